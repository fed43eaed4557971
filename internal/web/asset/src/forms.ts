// Forms that are sent and answered without leaving the page.
import { load, show } from "./swap";

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
  if (!show(next)) {
    if (!form.isConnected) {
      location.reload(); // news took its place meanwhile: what came of it is to be seen
      return;
    }
    form.removeAttribute("data-swap"); // as without a script
    form.requestSubmit(button);
  }
}
