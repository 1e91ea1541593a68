// A login: its tokens, requests that renew them, and the way to Live.

import { ApiError, LoginRequiredError } from "./errors.js";
import { Live, type ListenOptions } from "./live.js";

/** A refresh token works once: keep the new pair whenever there is one. */
export interface Tokens {
  access: string;
  refresh: string;
}

export interface SessionOptions {
  /** Called with each new pair of tokens. */
  onTokens?: (tokens: Tokens) => void;
}

/** Talks to one API as one person. */
export class Session {
  readonly baseUrl: string;
  tokens: Tokens;
  readonly #onTokens: (tokens: Tokens) => void;
  #refreshing: Promise<void> | undefined;

  constructor(baseUrl: string, tokens: Tokens, options: SessionOptions = {}) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.tokens = tokens;
    this.#onTokens = options.onTokens ?? (() => {});
  }

  /** A session for a user name and password; ApiError when they are wrong. */
  static async logIn(
    baseUrl: string,
    username: string,
    password: string,
    options: SessionOptions = {},
  ): Promise<Session> {
    const session = new Session(baseUrl, { access: "", refresh: "" }, options);
    await session.#take(await session.#post("/api/v1/auth/login", { username, password }));
    return session;
  }

  /** The JSON of an answer; ApiError when it is a refusal. Renews the tokens when it has to. */
  async request<T>(path: string, init: RequestInit = {}): Promise<T> {
    const used = this.tokens.access;
    let answer = await this.#send(path, init);
    if (answer.status === 401) {
      await this.refresh(used);
      answer = await this.#send(path, init);
    }
    if (!answer.ok) throw await ApiError.of(answer);
    const text = await answer.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /**
   * New tokens in place of the access token that was `used`; LoginRequiredError when there are none. Whoever
   * comes second finds them renewed: a refresh token must not be used twice.
   */
  async refresh(used: string): Promise<void> {
    while (this.#refreshing) await this.#refreshing.catch(() => {});
    if (this.tokens.access !== used) return;
    this.#refreshing = this.#refresh();
    try {
      await this.#refreshing;
    } finally {
      this.#refreshing = undefined;
    }
  }

  /** What happens, as it happens: from now on, or from a cursor. All topics, or some. */
  listen(options: ListenOptions = {}): Live {
    return new Live(this, options);
  }

  async #refresh(): Promise<void> {
    const answer = await this.#post("/api/v1/auth/refresh", { refresh_token: this.tokens.refresh || "none" });
    if (answer.status === 401 || answer.status === 422) {
      throw new LoginRequiredError((await ApiError.of(answer)).message);
    }
    await this.#take(answer);
  }

  #send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.tokens.access}`);
    return fetch(this.baseUrl + path, { signal: AbortSignal.timeout(10_000), ...init, headers });
  }

  #post(path: string, body: unknown): Promise<Response> {
    return fetch(this.baseUrl + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
  }

  async #take(answer: Response): Promise<void> {
    if (!answer.ok) throw await ApiError.of(answer);
    const body = (await answer.json()) as { access_token: string; refresh_token: string };
    this.tokens = { access: body.access_token, refresh: body.refresh_token };
    this.#onTokens(this.tokens);
  }
}
