// A text that is ready to be taken elsewhere has a button that copies it.
import { say } from "./swap";

/** offerCopies puts a button before each text marked data-copy. */
export function offerCopies(): void {
  for (const text of document.querySelectorAll<HTMLElement>("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text.dataset["copy"] ?? "";
    button.addEventListener("click", () => void copy(text, button));
    text.before(button);
  }
}

async function copy(text: HTMLElement, button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text.textContent ?? "");
    button.textContent = text.dataset["copied"] ?? "";
    say(button.textContent);
  } catch {
    getSelection()?.selectAllChildren(text); // where a page may not copy, its reader can
  }
}
