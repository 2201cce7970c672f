import { request as httpRequest } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPairs } from './support/pairs/case-file.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { waitFor } from './support/wait.ts';

const CASES = `
name: h1
routes: [{ match: { prefix: / }, route: { cluster: one } }]
clusters: { one: { hosts: [one] } }
requests: []
---
name: full
routes: [{ match: { prefix: / }, route: { cluster: one } }]
http: { common_http_protocol_options: { max_requests_per_connection: 2 } }
clusters: { one: { hosts: [one] } }
requests: []
`;
const [H1, FULL] = [20_000, 20_001];
const LIMIT_MS = 5000;

/** Where a proxy's listeners and its admin port are. */
type Side = TwoProxies['envoy'];

function post({ ip }: Side, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ host: ip, port: 15000, path, method: 'POST' }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    call.on('error', reject).end();
  });
}

const open = ({ ip }: Side, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port, localAddress: ip }, () => resolve(socket));
    socket.setEncoding('latin1').once('error', reject);
  });

/** The status of the next answer on a connection, and what it says of the connection itself. */
async function ask(socket: Socket): Promise<string> {
  let text = '';
  const onData = (chunk: string): void => {
    text += chunk;
  };
  socket.on('data', onData);
  socket.write('GET / HTTP/1.1\r\nhost: test\r\nuser-agent: drain\r\n\r\n');
  const answer = await waitFor('the answer', LIMIT_MS, () =>
    /HTTP\/1\.1 (\d+)[\s\S]*\r\n\r\n[\s\S]*\n$/.exec(text) === null ? undefined : text,
  );
  socket.off('data', onData);
  const fate = /^connection: (\S+)/im.exec(answer)?.[1] ?? 'stays';
  return `${answer.slice(9, 12)} ${fate}`;
}

/** One request over HTTP/2: its status, and whether the server says that it takes no more. */
function askHttp2({ ip }: Side, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = http2Connect(`http://${ip}:${port}`, {
      createConnection: () => connect({ host: ip, port, localAddress: ip }),
    });
    let [leaves, answered] = ['stays', ''];
    session.on('error', reject);
    session.on('goaway', (code: number) => {
      leaves = `goaway ${code}`;
    });
    const stream = session.request({ ':path': '/', 'user-agent': 'drain' });
    stream.on('response', (head) => {
      answered = String(head[':status']);
    });
    stream.resume().on('close', () => {
      // A frame that was sent before the answer's end has arrived by the time that a ping comes back.
      session.ping(() => {
        session.destroy();
        resolve(`${answered} ${leaves}`);
      });
      if (session.closed || session.destroyed) resolve(`${answered} ${leaves}`);
    });
  });
}

const drained = async (side: Side): Promise<number> => {
  const figures = await side.figures(/^http\.drain-h1\.downstream_cx_drain_close$/);
  return figures.get('http.drain-h1.downstream_cx_drain_close') ?? 0;
};

describe('connections of our proxy end when those of a real Envoy do', () => {
  let proxies: TwoProxies;
  beforeAll(async () => {
    proxies = await startTwoProxies(readPairs('drain', CASES));
  });
  afterAll(() => proxies?.stop());

  const both = async (look: (side: Side) => Promise<unknown>): Promise<unknown> => {
    const envoy = await look(proxies.envoy);
    expect(await look(proxies.ours)).toEqual(envoy);
    return envoy;
  };

  it('with the answer to the second request, where a connection may carry two', async () => {
    const seen = await both(async (side) => {
      const socket = await open(side, FULL);
      const answers = [await ask(socket), await ask(socket)];
      socket.destroy();
      return answers;
    });
    expect(seen).toEqual(['200 stays', '200 close']);
  });

  it('with the answer to their next request while health checks are told to fail, and no longer', async () => {
    const seen = await both(async (side) => {
      const [before, idle] = [await open(side, H1), await open(side, H1)];
      const told = [await ask(before), await post(side, '/healthcheck/fail'), await ask(before)];
      const fresh = await open(side, H1);
      told.push(await ask(fresh), await askHttp2(side, H1));
      told.push(await post(side, '/healthcheck/ok'), await ask(idle));
      for (const socket of [before, idle, fresh]) socket.destroy();
      return [...told, await drained(side)];
    });
    expect(seen).toEqual(['200 stays', 200, '200 close', '200 close', '200 goaway 0', 200, '200 stays', 3]);
  });

  it('with the answer to their next request once listeners stop; new ones are refused', async () => {
    const seen = await both(async (side) => {
      const socket = await open(side, H1);
      const told: unknown[] = [await ask(socket), await post(side, '/drain_listeners'), await ask(socket)];
      const refused = await waitFor('a refusal', LIMIT_MS, () =>
        open(side, H1).then(
          (again) => void again.destroy(),
          (error: NodeJS.ErrnoException) => error.code,
        ),
      );
      socket.destroy();
      return [...told, refused];
    });
    expect(seen).toEqual(['200 stays', 200, '200 close', 'ECONNREFUSED']);
  });

  it('with the answer to their next request while listeners drain gracefully; new ones are served', async () => {
    await proxies.stop();
    proxies = await startTwoProxies(readPairs('drain', CASES));
    const seen = await both(async (side) => {
      const socket = await open(side, H1);
      const told: unknown[] = [await ask(socket), await post(side, '/drain_listeners?graceful'), await ask(socket)];
      const fresh = await open(side, H1);
      told.push(await ask(fresh));
      for (const each of [socket, fresh]) each.destroy();
      return told;
    });
    expect(seen).toEqual(['200 stays', 200, '200 close', '200 close']);
  });
});
