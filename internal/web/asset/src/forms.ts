// Forms that are sent and answered without leaving the page.
import { load, say } from "./swap";

/** enhanceForms sends forms marked data-swap, and shows the page that comes back in place of this one. */
export function enhanceForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("swap" in form.dataset) || event.defaultPrevented) {
      return;
    }
    event.preventDefault();
    const button = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
    void send(form, button);
  });
}

async function send(form: HTMLFormElement, button: HTMLButtonElement | null): Promise<void> {
  const data = new FormData(form, button);
  const url = new URL(button?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", location.href);
  const options: RequestInit = { method: form.method };
  if (form.method === "post") {
    options.body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data as unknown as Record<string, string>);
  } else {
    url.search = new URLSearchParams(data as unknown as Record<string, string>).toString();
  }
  form.setAttribute("aria-busy", "true");
  const next = await load(url.href, options).catch(() => null);
  form.removeAttribute("aria-busy");
  const main = next?.page.querySelector("main");
  if (!next || !main) {
    form.removeAttribute("data-swap"); // as without a script
    form.requestSubmit(button);
    return;
  }
  document.title = next.page.title;
  document.querySelector("main")?.replaceWith(main);
  history.pushState(null, "", next.url);
  shown = address();
  const target = main.querySelector<HTMLElement>("[data-focus]") ?? main.querySelector<HTMLElement>("h1");
  if (target) {
    target.tabIndex = -1;
    target.focus();
    say(target.textContent?.trim() ?? "");
  }
}

const address = () => location.pathname + location.search;
let shown = address(); // what the page on the screen is of

// Back and forward show another page than this one: it is loaded anew. A way within the page is none.
window.addEventListener("popstate", () => {
  if (address() !== shown) {
    location.reload();
  }
});
