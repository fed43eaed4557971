// Passkeys: a form marked data-passkey asks the server for a question, has the browser answer it, and is sent with the
// answer (WebAuthn Level 3 §5.1). The older helpers of telephones lack JSON, so that is read and written here.
import { read, show } from "./swap";

/** offerPasskeys shows what needs passkeys, if the browser knows them, and handles the forms. */
export function offerPasskeys(): void {
  if (!("PublicKeyCredential" in window)) {
    return;
  }
  document.documentElement.dataset["passkeys"] = "";
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form instanceof HTMLFormElement && form.dataset["passkey"]) {
      event.preventDefault();
      void run(form);
    }
  });
}

async function run(form: HTMLFormElement): Promise<void> {
  const told = form.querySelector("[data-say]");
  const answer = form.querySelector<HTMLInputElement>("input[name=answer]");
  const url = form.dataset["question"];
  if (!told || !answer || !url || form.ariaBusy === "true") {
    return;
  }
  told.textContent = "";
  form.ariaBusy = "true";
  try {
    const question = await fetch(url, { method: "POST", credentials: "same-origin" });
    if (!(question.headers.get("Content-Type") ?? "").startsWith("application/json")) {
      const page = (await read(question))?.page; // that says why there is none
      if (!show(page ? { page, url: location.href } : null)) {
        told.textContent = form.dataset["failed"] ?? "";
      }
      return;
    }
    const { publicKey } = (await question.json()) as { publicKey: Question };
    answer.value = JSON.stringify(await (form.dataset["passkey"] === "create" ? create(publicKey) : get(publicKey)));
    form.submit();
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    told.textContent = (name === "NotAllowedError" || name === "AbortError" ? form.dataset["stopped"] : name === "InvalidStateError" ? form.dataset["has"] : form.dataset["failed"]) ?? "";
  } finally {
    form.ariaBusy = "false";
  }
}

interface Described {
  type: "public-key";
  id: string;
  transports?: AuthenticatorTransport[];
}

interface Question {
  challenge: string;
  timeout?: number;
  rpId?: string;
  userVerification?: UserVerificationRequirement;
  rp: PublicKeyCredentialRpEntity;
  user: { id: string; name: string; displayName: string };
  pubKeyCredParams: PublicKeyCredentialParameters[];
  excludeCredentials?: Described[];
  authenticatorSelection?: AuthenticatorSelectionCriteria;
}

async function create(q: Question): Promise<unknown> {
  const made = (await navigator.credentials.create({
    publicKey: {
      rp: q.rp,
      user: { ...q.user, id: bytes(q.user.id) },
      challenge: bytes(q.challenge),
      pubKeyCredParams: q.pubKeyCredParams,
      excludeCredentials: (q.excludeCredentials ?? []).map((c) => ({ ...c, id: bytes(c.id) })),
      ...(q.timeout ? { timeout: q.timeout } : {}),
      ...(q.authenticatorSelection ? { authenticatorSelection: q.authenticatorSelection } : {}),
      attestation: "none",
    },
  })) as PublicKeyCredential;
  const r = made.response as AuthenticatorAttestationResponse;
  return told(made, { attestationObject: text(r.attestationObject), transports: r.getTransports?.() ?? [] });
}

async function get(q: Question): Promise<unknown> {
  const signed = (await navigator.credentials.get({
    publicKey: {
      challenge: bytes(q.challenge),
      ...(q.rpId ? { rpId: q.rpId } : {}),
      ...(q.timeout ? { timeout: q.timeout } : {}),
      ...(q.userVerification ? { userVerification: q.userVerification } : {}),
    },
  })) as PublicKeyCredential;
  const r = signed.response as AuthenticatorAssertionResponse;
  return told(signed, { authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle ? text(r.userHandle) : "" });
}

// No extension was asked for, so what some browsers add unasked is left out.
function told(c: PublicKeyCredential, response: object): unknown {
  return { id: c.id, rawId: text(c.rawId), type: c.type, response: { clientDataJSON: text(c.response.clientDataJSON), ...response }, clientExtensionResults: {} };
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

function text(data: ArrayBuffer): string {
  let s = "";
  for (const b of new Uint8Array(data)) {
    s += String.fromCharCode(b);
  }
  return btoa(s).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
