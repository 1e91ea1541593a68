// The messages of the WebSocket. Written by `make generate` from serving/live/messages.py.

/** What the operator tells everybody. */
export interface AnnouncementMessage {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "message";
  /** When it was written down */
  at: string;
  subject: "announcements";
  text: string;
  topic: "system:announcements";
}

/** An event that is new, corrected or deleted: read it from the API. */
export interface ChangedEvent {
  event_id: string;
  version: number | null;
  type: string | null;
  local_date: string;
}

/** Local days of yours have changed: read them from the API. */
export interface EventsMessage {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "message";
  /** When it was written down */
  at: string;
  /** The moment that it is about */
  as_of: string;
  /** The person's local day at that moment */
  local_date: string;
  subject: "events";
  /** The days that changed */
  local_dates: Array<string>;
  /** What changed them, as far as it is named: nothing of an import, 100 at most */
  events: Array<ChangedEvent>;
  topic: string;
}

/** Nothing has happened, and you would have heard of it. */
export interface Heartbeat {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "heartbeat";
}

/** There are new insights: read them from the API. */
export interface InsightsMessage {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "message";
  /** When it was written down */
  at: string;
  /** The moment that it is about */
  as_of: string;
  /** The person's local day at that moment */
  local_date: string;
  subject: "insights";
  insight_ids: Array<string>;
  topic: string;
}

/** Are you there? */
export interface Ping {
  action: "ping";
}

/** In answer to ping. */
export interface Pong {
  type: "pong";
}

/** What a model expects of you now. One message a model. */
export interface PredictionMessage {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "message";
  /** When it was written down */
  at: string;
  /** The moment that it is about */
  as_of: string;
  /** The person's local day at that moment */
  local_date: string;
  subject: "predictions";
  model_name: string;
  model_version: string | null;
  /** Who answered: the model, a baseline, or nobody because nothing is known */
  model_source: "model" | "baseline" | "none";
  value: number | null;
  lower: number | null;
  upper: number | null;
  baseline: number | null;
  baseline_name: string | null;
  class: string | null;
  probabilities: Record<string, number> | null;
  reasons: Array<ReasonGiven>;
  topic: string;
}

/** One feature's share in an answer. */
export interface ReasonGiven {
  feature: string;
  value: number | null;
  unit: string;
  contribution: number;
  sentence: string;
}

/** You sent something that makes no sense, or asked for a topic that is not yours. Nothing was changed. */
export interface Refused {
  type: "error";
  code: "message-unreadable" | "action-unknown" | "topic-forbidden" | "frames-are-text";
  detail: string;
}

/** Your cursor leads nowhere, so some messages are lost to you: read the API, then go on from here. */
export interface Resync {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "resync";
  reason: "cursor-unknown" | "cursor-too-old";
  detail: string;
}

/** A score of the person's local day as far as it has gone. */
export interface ScoreGiven {
  name: string;
  version: number;
  score: number | null;
  score_state: "SCORED" | "CALIBRATING" | "UNSCORABLE";
  coverage: number;
}

/** Today's scores, as far as the day has gone. */
export interface ScoresMessage {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "message";
  /** When it was written down */
  at: string;
  /** The moment that it is about */
  as_of: string;
  /** The person's local day at that moment */
  local_date: string;
  subject: "scores";
  /** The nightly build may still correct it */
  is_provisional: boolean;
  scores: Array<ScoreGiven>;
  topic: string;
}

/** Hear these topics as well, from now on. */
export interface Subscribe {
  action: "subscribe";
  topics: Array<string>;
}

/** What you hear from now on, in answer to subscribe and unsubscribe. */
export interface Subscribed {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "subscribed";
  topics: Array<string>;
}

/** Do not hear these topics any more. */
export interface Unsubscribe {
  action: "unsubscribe";
  topics: Array<string>;
}

/** The first message of each connection. */
export interface Welcome {
  /** Give it back when you connect again: you hear what came after it */
  cursor: string;
  type: "welcome";
  /** What you hear */
  topics: Array<string>;
  /** When nothing comes for twice as long, connect again */
  heartbeat_seconds: number;
}

/** Something happened. `subject` tells what. */
export type Message =
  | EventsMessage
  | PredictionMessage
  | ScoresMessage
  | InsightsMessage
  | AnnouncementMessage;

/** Everything that the server sends. `type` tells what. */
export type FromServer =
  | EventsMessage
  | PredictionMessage
  | ScoresMessage
  | InsightsMessage
  | AnnouncementMessage
  | Welcome
  | Resync
  | Heartbeat
  | Subscribed
  | Pong
  | Refused;

/** Everything that a client may send. */
export type ToServer =
  | Subscribe
  | Unsubscribe
  | Ping;
