import type { WebSocket } from 'ws';
import { requestEnvelope, requestSchemas, type ServerEvent, type ServerMessage } from '#contract';
import { type Clock, MeshworkError, type Timer } from '#domain';
import { toErrorView } from '../errors.ts';
import type { LearnerSession, PageConnection } from './learner-session.ts';

/** What the server keeps for a page that does not read. Beyond it events are left out; a gap in `seq` tells the page. */
const MAX_UNREAD_BYTES = 512 * 1024;
/** The same for what commands print, which nothing says again: a page that is only slow loses none of it. */
const MAX_UNREAD_OUTPUT_BYTES = 960 * 1024;
/** Answers are never left out, nor the ends of commands. A page that leaves so much unread is let go; it calls again by itself. */
export const MAX_UNREAD_ANSWER_BYTES = 8 * 1_048_576;
const PING_EVERY_MS = 30_000;

type PageRequest = Parameters<LearnerSession['request']>[1];

export interface PageOptions {
  readonly clock: Clock;
  /** The session of the page's learner; throws a MeshworkError where no further mesh may run. */
  readonly sessionOf: () => Pick<LearnerSession, 'attach' | 'request'>;
}

/** Joins one open WebSocket with the session of its learner, and bounds what the server holds for it. */
export function connectPage(webSocket: WebSocket, { clock, sessionOf }: PageOptions): void {
  watchPage(webSocket, clock);
  const send = boundedSend(webSocket);
  const page: PageConnection = { send };
  let session: ReturnType<typeof sessionOf> | undefined;
  let detach = (): void => undefined;
  const joined = (): NonNullable<typeof session> => {
    if (session === undefined) {
      session = sessionOf();
      detach = session.attach(page);
    }
    return session;
  };
  const request = (message: PageRequest): void => {
    try {
      joined().request(page, message);
    } catch (error) {
      // The page stays connected: it is told why, and may ask again when there is room.
      if (message.method === 'stream.ping') send({ id: message.id, result: {} });
      else send({ id: message.id, error: toErrorView(error) });
    }
  };
  try {
    joined();
  } catch (error) {
    // It is told when it asks for something.
    if (!(error instanceof MeshworkError)) throw error;
  }
  webSocket.on('message', (data, isBinary) => {
    const message = isBinary ? undefined : parseMessage(data.toString());
    if (message && 'id' in message && 'method' in message) request(message);
    else if (message) send({ id: message.id, error: { code: 'bad_request', message: message.problem } });
    else webSocket.close(1007, 'a message must be { id, method, params } in JSON');
  });
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => detach());
}

/** Sends while the page reads. While too much is unread, events are left out and no further request is taken. */
function boundedSend(webSocket: WebSocket): PageConnection['send'] {
  const resume = (): void => {
    if (webSocket.isPaused && webSocket.bufferedAmount <= MAX_UNREAD_BYTES) webSocket.resume();
  };
  return (message) => {
    if (webSocket.readyState !== webSocket.OPEN) return;
    const text = textOf(message);
    const unread = webSocket.bufferedAmount;
    if ('event' in message && !isEnd(message.event)) {
      const most = message.event.type === 'terminal' ? MAX_UNREAD_OUTPUT_BYTES : MAX_UNREAD_BYTES;
      if (unread === 0 || unread + Buffer.byteLength(text) <= most) webSocket.send(text);
      return;
    }
    if (unread > MAX_UNREAD_ANSWER_BYTES) return webSocket.terminate();
    webSocket.send(text, resume);
    if (webSocket.bufferedAmount > MAX_UNREAD_BYTES) webSocket.pause();
  };
}

/** A page waits for these: no later event says the same. */
const isEnd = ({ type }: ServerEvent): boolean => type === 'terminal-exit' || type === 'replaced';

/** A page on a machine that sleeps closes nothing: one that does not answer is gone, and its mesh may be put to sleep. */
function watchPage(webSocket: WebSocket, clock: Clock): void {
  let alive = true;
  let timer: Timer | undefined;
  const look = (): void => {
    if (alive) {
      alive = false;
      webSocket.ping();
      timer = clock.after(PING_EVERY_MS, look);
    } else webSocket.terminate();
  };
  timer = clock.after(PING_EVERY_MS, look);
  webSocket.on('pong', () => {
    alive = true;
  });
  webSocket.once('close', () => timer?.cancel());
}

const written: { message?: ServerMessage; text: string } = { text: '' };

/** An event goes to all pages of a learner, one after the other: it is written once. */
function textOf(message: ServerMessage): string {
  if (written.message !== message) {
    written.message = message;
    written.text = JSON.stringify(message);
  }
  return written.text;
}

type Parsed = { id: number; method: keyof typeof requestSchemas; params: unknown } | { id: number; problem: string };

/** Checks a message against the contract; undefined when it is not even an envelope. */
function parseMessage(text: string): Parsed | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const envelope = requestEnvelope.safeParse(raw);
  if (!envelope.success) return undefined;
  const { id, method } = envelope.data;
  const params = requestSchemas[method].safeParse(envelope.data.params);
  if (params.success) return { id, method, params: params.data };
  const issue = params.error.issues[0];
  return { id, problem: `${method}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not as expected'}` };
}
