// Hearing what happens, through every loss of the connection: it comes back with its cursor.
//
// Messages come once and in order. When some of them cannot be had any more, a message of type "resync" comes
// in their place: read what you need from the API, and go on.

import { Connection } from "./connection.js";
import { ApiError, LoginRequiredError } from "./errors.js";
import type { Message, Resync } from "./messages.js";
import { pauseAfter, sleep } from "./pauses.js";
import type { Session } from "./session.js";

export interface ListenOptions {
  /** Topics, or their subjects: "predictions". All of yours by default. */
  topics?: readonly string[];
  /** Of the last message that you have dealt with. */
  cursor?: string | undefined;
  /** Ends it. */
  signal?: AbortSignal;
  /** The first pause between two tries, and the longest. */
  pausesMs?: { first: number; longest: number };
}

const NOT_LOGGED_IN = 4401;
/** Statuses that another try does not change. */
const FOR_GOOD = new Set([400, 403, 404, 422]);

/** `cursor` belongs to the last message that was handed out. Keep that of a message you have dealt with. */
export class Live implements AsyncIterable<Message | Resync> {
  cursor: string | undefined;
  readonly #session: Session;
  readonly #options: ListenOptions;
  readonly #closing = new AbortController();

  constructor(session: Session, options: ListenOptions) {
    this.cursor = options.cursor;
    this.#session = session;
    this.#options = options;
    const stop = () => this.close();
    if (options.signal?.aborted) stop();
    else options.signal?.addEventListener("abort", stop, { once: true });
  }

  /** End it: the loop over its messages ends. */
  close(): void {
    this.#closing.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message | Resync, void, void> {
    const { signal } = this.#closing;
    let tries = 0;
    while (!signal.aborted) {
      const used = this.#session.tokens.access;
      let atLeastMs = 0;
      try {
        const connection = new Connection(await this.#address(), signal);
        for await (const message of connection.messages(signal)) {
          if (message.type === "welcome") {
            tries = 0;
            // With a cursor of our own we keep it until a message has moved it on: a resync may follow.
            this.cursor ??= message.cursor;
          } else if (message.type === "message" || message.type === "resync") {
            this.cursor = message.cursor;
            yield message;
          } else if (message.type === "heartbeat") {
            this.cursor = message.cursor;
          }
        }
        if (connection.code === NOT_LOGGED_IN) await this.#session.refresh(used);
      } catch (error) {
        if (error instanceof LoginRequiredError) throw error;
        if (error instanceof ApiError) {
          if (FOR_GOOD.has(error.status)) throw error;
          atLeastMs = 1_000 * error.retryAfterSeconds;
        } else if (!isAway(error)) {
          throw error;
        }
      }
      const { first, longest } = this.#options.pausesMs ?? {};
      if (!signal.aborted) await sleep(atLeastMs + pauseAfter(tries, first, longest), signal);
      tries += 1;
    }
  }

  /** The address with a fresh ticket: a browser cannot send a header with a WebSocket. */
  async #address(): Promise<string> {
    const { ticket } = await this.#session.request<{ ticket: string }>("/api/v1/ws/tickets", {
      method: "POST",
    });
    const query = new URLSearchParams({ ticket });
    if (this.cursor) query.set("cursor", this.cursor);
    if (this.#options.topics?.length) query.set("topics", this.#options.topics.join(","));
    return `${this.#session.baseUrl.replace(/^http/, "ws")}/api/v1/ws?${query}`;
  }
}

/** Whether the server could not be reached: fetch says it with a TypeError, a time-out with a DOMException. */
function isAway(error: unknown): boolean {
  return error instanceof TypeError || error instanceof DOMException;
}
