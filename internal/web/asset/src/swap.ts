// How a page becomes a newer version of itself, without losing where its reader is.

// Trusted Types: pages allow this policy alone, and it is used for what our own server sent.
interface Policy {
  createHTML(text: string): string;
}
interface PolicyMaker {
  createPolicy(name: string, rules: { createHTML: (text: string) => string }): Policy;
}
const maker = (window as unknown as { trustedTypes?: PolicyMaker }).trustedTypes;
const policy: Policy = maker ? maker.createPolicy("plimsoll", { createHTML: (text) => text }) : { createHTML: (text) => text };

/** Shown is a page of our own server, and its address. */
export interface Shown {
  page: Document;
  url: string;
}

/** load fetches a page of our own server; null where the answer is none. */
export async function load(url: string, options: RequestInit = {}): Promise<Shown | null> {
  return read(await fetch(url, { ...options, credentials: "same-origin", headers: { Accept: "text/html" } }));
}

/** read is the page of an answer; null where that is none. */
export async function read(answer: Response): Promise<Shown | null> {
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/html")) {
    return null;
  }
  return { page: new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html"), url: answer.url };
}

/** show puts a page in the place of this one; false where there is none. */
export function show(next: Shown | null): boolean {
  const main = next?.page.querySelector("main");
  if (!next || !main) {
    return false;
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
  return true;
}

const address = () => location.pathname + location.search;
let shown = address(); // what the page on the screen is of

// Back and forward show another page than this one: it is loaded anew. A way within the page is none.
window.addEventListener("popstate", () => {
  if (address() !== shown) {
    location.reload();
  }
});

/** refresh replaces the parts that are marked as live by their newer versions. What is the same stays as it is, and so
 * does the part that somebody is using. Who was on a link or a button stays on it. */
export function refresh(page: Document): void {
  const middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2); // where the reader looks stays where it is
  const before = middle?.getBoundingClientRect().top ?? 0;
  for (const old of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const next = page.getElementById(old.id);
    if (!next || old.innerHTML === next.innerHTML) {
      continue;
    }
    const focused = document.activeElement;
    const inside = focused instanceof HTMLElement && old.contains(focused) ? focused : null;
    if (inside?.matches("input, select, textarea")) {
      continue; // somebody is writing: later
    }
    const open = new Set([...old.querySelectorAll("details[open][id]")].map((d) => d.id));
    old.replaceChildren(...next.childNodes);
    for (const d of old.querySelectorAll<HTMLDetailsElement>("details[id]")) {
      d.open ||= open.has(d.id);
    }
    if (inside) {
      const same = [...old.querySelectorAll<HTMLElement>(inside.tagName)].find((e) => mark(e) === mark(inside));
      const target = same ?? old; // what is gone leaves its reader where it was
      if (!same) {
        old.tabIndex = -1;
      }
      target.focus({ preventScroll: true });
    }
  }
  if (middle?.isConnected) {
    scrollBy({ top: middle.getBoundingClientRect().top - before, behavior: "instant" });
  }
}

/** mark is what an element is known by in another version of its page. */
function mark(e: HTMLElement): string {
  const owner = e.closest("form, details");
  return [e.id, e.getAttribute("href"), e.textContent, owner?.id, owner?.getAttribute("action")].join("\n");
}

let said = 0;

/** say tells a screen reader, at most once in ten seconds: a list that chatters is of no use. */
export function say(text: string): void {
  const voice = document.getElementById("voice");
  const now = Date.now();
  if (voice && text && now - said > 10_000) {
    said = now;
    voice.textContent = text;
  }
}
