// A text can be read aloud, by a voice of this machine: none of it is sent anywhere.

/** offerVoice puts a button before each text marked data-aloud, where the browser has a voice of its own for the language. */
export function offerVoice(): void {
  const texts = document.querySelectorAll<HTMLElement>("[data-aloud]");
  if (texts.length === 0 || !("speechSynthesis" in window)) {
    return;
  }
  let offered = false;
  const offer = () => {
    const lang = document.documentElement.lang;
    const voice = speechSynthesis.getVoices().find((v) => v.localService && v.lang.toLowerCase().startsWith(lang));
    if (!voice || offered) {
      return;
    }
    offered = true;
    for (const text of texts) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text.dataset["aloud"] ?? "";
      button.addEventListener("click", () => read(text, button, voice));
      text.before(button);
    }
  };
  speechSynthesis.addEventListener("voiceschanged", offer); // they come when they like
  addEventListener("pagehide", () => speechSynthesis.cancel());
  offer();
}

function read(text: HTMLElement, button: HTMLButtonElement, voice: SpeechSynthesisVoice): void {
  const reading = speechSynthesis.speaking;
  speechSynthesis.cancel();
  if (reading) {
    return; // its end is told to the button
  }
  const said = new SpeechSynthesisUtterance(text.innerText);
  said.voice = voice;
  said.lang = voice.lang;
  const end = () => (button.textContent = text.dataset["aloud"] ?? "");
  said.addEventListener("end", end);
  said.addEventListener("error", end);
  button.textContent = text.dataset["quiet"] ?? "";
  speechSynthesis.speak(said);
}
