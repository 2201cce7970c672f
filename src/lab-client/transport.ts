/** A WebSocket seen from above, so that tests and recordings can stand in for one. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  open(): void;
  message(text: string): void;
  closed(): void;
}

/** The page was opened under a name that its lab server does not answer to; calling again would not help. */
export class WrongPlace extends Error {
  /** Where the lab server's own pages are: `http://127.0.0.1:4321`. */
  readonly home: string;

  constructor(home: string) {
    super(`The lab server answers to pages of ${home} only.`);
    this.name = 'WrongPlace';
    this.home = home;
  }
}

/** How the page reaches the lab server. */
export interface Transport {
  /** A token for this browser; rejects when no lab server answers, and with WrongPlace when one does not answer to this page. */
  session(): Promise<string>;
  connect(token: string, events: SocketEvents): Socket;
}

/** Timers, injected so that time-outs and reconnects are tested without waiting. */
export interface Timers {
  /** Calls `fire` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, fire: () => void): () => void;
}

export const browserTimers: Timers = {
  after: (delayMs, fire) => {
    const handle = setTimeout(fire, delayMs);
    return () => clearTimeout(handle);
  },
};

/** The lab server that served this page: GET /api/session, then one WebSocket at /api/stream. */
export function sameOriginTransport(place: Location): Transport {
  return {
    session: async () => {
      const answer = await fetch('/api/session', { headers: { accept: 'application/json' }, cache: 'no-store' });
      const kind = answer.headers.get('content-type') ?? '';
      const home = answer.headers.get('x-meshwork-home');
      if (answer.status === 421 && home) throw new WrongPlace(home);
      if (!answer.ok || !kind.includes('json')) throw new Error(`The lab server answered ${answer.status}.`);
      const body: unknown = await answer.json();
      const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
      if (typeof token !== 'string') throw new Error('The lab server gave no session token.');
      if (isElsewhere(place, body)) throw new WrongPlace(body.home);
      return token;
    },
    connect: (token, events) => {
      const scheme = place.protocol === 'https:' ? 'wss' : 'ws';
      const socket = new WebSocket(`${scheme}://${place.host}/api/stream?token=${encodeURIComponent(token)}`);
      socket.addEventListener('open', () => events.open());
      socket.addEventListener('message', (event) => {
        if (typeof event.data === 'string') events.message(event.data);
      });
      socket.addEventListener('close', () => events.closed());
      return { send: (text) => socket.send(text), close: () => socket.close() };
    },
  };
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** A proxy that names the server's own host brings the token, but the stream's Origin is this page's, and that is refused. */
function isElsewhere({ host, hostname, port }: Location, body: unknown): body is { home: string } {
  if (typeof body !== 'object' || body === null || !('home' in body) || typeof body.home !== 'string') return false;
  const home = new URL(body.home);
  return host !== home.host && !(LOOPBACK.includes(hostname) && port === home.port);
}
