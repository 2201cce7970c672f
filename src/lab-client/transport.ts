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

/** How the page reaches the lab server. */
export interface Transport {
  /** A token for this browser; rejects when no lab server answers. */
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
      if (!answer.ok || !kind.includes('json')) throw new Error(`The lab server answered ${answer.status}.`);
      const body: unknown = await answer.json();
      const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
      if (typeof token !== 'string') throw new Error('The lab server gave no session token.');
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
