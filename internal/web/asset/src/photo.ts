// A photograph is sent as soon as it was taken, and not larger than it must be.

const most = 2000; // pixels of the longer side: enough for the codes on a pack

/** watchPhotos sends forms with data-photo once a picture was chosen. */
export function watchPhotos(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-photo]")) {
    const input = form.querySelector<HTMLInputElement>("input[type=file]");
    input?.addEventListener("change", () => void shrink(input).then(() => form.requestSubmit()));
  }
}

async function shrink(input: HTMLInputElement): Promise<void> {
  const file = input.files?.[0];
  if (!file || file.size < 1_000_000) {
    return;
  }
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, most / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const small = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    if (small && small.size < file.size) {
      const list = new DataTransfer();
      list.items.add(new File([small], "photo.jpg", { type: "image/jpeg" }));
      input.files = list.files;
    }
  } catch {
    // It is sent as it is.
  }
}
