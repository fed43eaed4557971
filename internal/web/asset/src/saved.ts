// Products that somebody saved stay in their own browser: the page shows those of its address.

const place = "plimsoll.saved";
const most = 20;

/** keepSaved notes the products of the address, and shows those that were noted before beside them. */
export function keepSaved(): void {
  const page = document.querySelector<HTMLElement>("[data-saved]");
  if (!page) {
    return;
  }
  const shown = (page.dataset["saved"] ?? "").split(" ").filter((n) => n !== "");
  let before: string[];
  try {
    before = (localStorage.getItem(place) ?? "").split(" ").filter((n) => /^[0-9]{14}$/.test(n));
  } catch {
    return; // the browser keeps nothing: the address does
  }
  const all = [...new Set([...shown, ...before])].slice(0, most);
  note(all);
  for (const link of page.querySelectorAll<HTMLAnchorElement>("[data-forget]")) {
    link.addEventListener("click", () => note(all.filter((n) => n !== link.dataset["forget"])));
  }
  if (all.length > shown.length) {
    location.replace("?" + all.map((n) => "gtin=" + n).join("&"));
  }
}

function note(list: string[]): void {
  try {
    localStorage.setItem(place, list.join(" "));
  } catch {
    // The address keeps them.
  }
}
