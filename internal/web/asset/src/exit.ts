// Who must not be seen on a page leaves it at once, and the way back does not lead to it.

/** offerExit makes links marked data-exit leave nothing behind: the page is emptied, and another takes its place. */
export function offerExit(): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-exit]") : null;
    if (link) {
      event.preventDefault();
      document.title = "";
      document.body.replaceChildren();
      location.replace(link.href);
    }
  });
}
