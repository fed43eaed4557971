// Pages that say where their news come from are kept up to date.
import { load, refresh, say } from "./swap";

/** followLive listens for news, while the page is looked at. */
export function followLive(): void {
  const source = document.body.dataset["events"];
  if (!source) {
    return;
  }
  let stream: EventSource | null = null;
  let waiting = false;

  const update = async () => {
    if (waiting || document.hidden) {
      return;
    }
    waiting = true;
    try {
      const next = await load(location.href);
      if (next) {
        refresh(next.page);
        const sentence = document.getElementById("sentence")?.textContent?.trim() ?? "";
        if (sentence !== spoken) {
          spoken = sentence;
          say(sentence);
        }
      }
    } catch {
      // The server is away. The stream comes back by itself, and with it the news.
    } finally {
      window.setTimeout(() => (waiting = false), 1000); // at most once a second
    }
  };
  let spoken = document.getElementById("sentence")?.textContent?.trim() ?? "";

  const listen = () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else if (!stream) {
      stream = new EventSource(source);
      stream.addEventListener("change", () => void update());
    }
  };
  document.addEventListener("visibilitychange", () => {
    listen();
    void update();
  });
  listen();
}
