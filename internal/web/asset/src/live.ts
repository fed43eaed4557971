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
  let missed = false;
  let spoken = document.getElementById("sentence")?.textContent?.trim() ?? "";

  const update = async () => {
    if (document.hidden) {
      return;
    }
    if (waiting) {
      missed = true;
      return;
    }
    waiting = true;
    try {
      const here = location.href;
      const next = await load(here);
      if (next && here === location.href) {
        refresh(next.page);
        const sentence = document.getElementById("sentence")?.textContent?.trim() ?? "";
        if (sentence !== spoken) {
          spoken = sentence;
          say(sentence);
        }
      }
    } catch {
      // The server is away. The stream comes back by itself, and asks for the news then.
    } finally {
      window.setTimeout(() => {
        waiting = false;
        if (missed) {
          missed = false;
          void update();
        }
      }, 1000); // at most once a second
    }
  };

  const listen = () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else if (!stream) {
      stream = new EventSource(source);
      stream.addEventListener("open", () => void update()); // what came before it listened
      stream.addEventListener("change", () => void update());
      stream.addEventListener("error", () => {
        if (stream?.readyState === EventSource.CLOSED) {
          stream = null; // it is refused, and does not try again by itself
          window.setTimeout(() => {
            void update();
            listen();
          }, 30_000);
        }
      });
    }
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}
