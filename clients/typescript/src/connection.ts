// One WebSocket as an asynchronous iterator of what the server sends, until it closes or falls silent.

import type { FromServer } from "./messages.js";

/** What may wait for a consumer that takes its time. A WebSocket cannot be asked to pause: it is left instead. */
const MOST_WAITING = 1_000;
const FIRST_SILENCE_MS = 20_000;

export class Connection {
  /** The code that it was closed with. */
  code = 1006;
  readonly #socket: WebSocket;
  readonly #waiting: FromServer[] = [];
  #isClosed = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #silenceMs = FIRST_SILENCE_MS;
  #wake: () => void = () => {};

  constructor(url: string, signal: AbortSignal) {
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = (event) => this.#take(JSON.parse(String(event.data)) as FromServer);
    this.#socket.onclose = (event) => this.#end(event.code);
    signal.addEventListener("abort", this.#stop, { once: true });
    this.#listenForSilence();
  }

  async *messages(signal: AbortSignal): AsyncGenerator<FromServer, void, void> {
    try {
      while (!signal.aborted) {
        const next = this.#waiting.shift();
        if (next) yield next;
        else if (this.#isClosed) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", this.#stop);
      this.#stop();
    }
  }

  readonly #stop = () => this.#leave();

  #take(message: FromServer): void {
    if (this.#isClosed) return;
    if (message.type === "welcome") this.#silenceMs = 2_000 * message.heartbeat_seconds + 1_000;
    this.#listenForSilence();
    this.#waiting.push(message);
    if (this.#waiting.length > MOST_WAITING) this.#leave();
    this.#wake();
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#leave(), this.#silenceMs);
  }

  /** Close without waiting for an answer: a peer that is gone gives none. */
  #leave(): void {
    this.#socket.close();
    this.#end(1006);
  }

  #end(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.code = code;
    clearTimeout(this.#silence);
    this.#wake();
  }
}
