import { onOff, value } from '#shell';
import { type HandClient, type HandReceipt, type TypeUrl, typeUrls } from '#xds';
import { type Command, type CommandIo, type ShellContext, UsageError } from '../command.ts';
import type { Verb } from './verb.ts';
import { withVerbs } from './verbs.ts';

const XDS_PORT = 15010;
const ANSWER_MS = 5000;
const NOTED_MS = 1000;

/** In the order in which a proxy needs them. */
const types: Readonly<Record<string, TypeUrl>> = {
  CDS: typeUrls.cluster,
  EDS: typeUrls.endpoint,
  LDS: typeUrls.listener,
  RDS: typeUrls.route,
};
const shortOf = (typeUrl: TypeUrl): string => Object.keys(types).find((key) => types[key] === typeUrl) ?? typeUrl;

const typeOf = (word: string | undefined): TypeUrl => {
  const found = types[(word ?? '').toUpperCase()];
  if (found === undefined) throw new UsageError(`xds: name a type: ${Object.keys(types).join(', ')}`);
  return found;
};

const connected = ({ xds }: ShellContext): HandClient => {
  if (xds.lost !== undefined) throw new UsageError(`xds: the stream is lost: ${xds.lost}. Connect again.`);
  if (xds.node === undefined) throw new UsageError("xds: not connected. Start with 'xds connect'.");
  return xds;
};

const typeNames = (): readonly string[] => Object.keys(types);

const connect: Verb = {
  name: 'connect',
  manual: `xds connect [--as name] [-n namespace]
Opens an ADS stream to istiod as a proxy of this name (probe). Nothing is asked for yet.`,
  flags: { as: value() },
  run: async (flags, io, { sandbox, xds }) => {
    const name = flags.text('as') ?? 'probe';
    const namespace = flags.text('namespace') ?? 'default';
    if (!/^[a-z0-9-]{1,40}$/.test(name)) throw new UsageError('xds: a name has small letters, digits and dashes');
    const istiod = sandbox.pods.find(({ labels }) => labels['app'] === 'istiod');
    if (istiod === undefined) throw new UsageError('xds: istiod is not running');
    const id = `sidecar~${istiod.ip}~${name}.${namespace}~${namespace}.svc.cluster.local`;
    const metadata = { NAMESPACE: namespace, LABELS: { app: name }, CLUSTER_ID: 'Kubernetes' };
    xds.connect(`${istiod.ip}:${XDS_PORT}`, { id, cluster: `${name}.${namespace}`, metadata });
    io.out(`connected to ${istiod.ip}:${XDS_PORT}\nnode ${id}\n`);
    return 0;
  },
};

const subscribe: Verb = {
  name: 'subscribe',
  manual: `xds subscribe CDS|EDS|LDS|RDS [names…]
Sends a DiscoveryRequest and waits for the response. CDS and LDS without names mean all. EDS and RDS without names ask for those that the
clusters and listeners mention which came before.`,
  flags: {},
  complete: ({ words }) => (words.length <= 1 ? typeNames() : []),
  run: async (flags, io, context) => {
    const xds = connected(context);
    const typeUrl = typeOf(flags.words[0]);
    const given = flags.words.slice(1);
    const names = given.length > 0 ? given : mentioned(xds, typeUrl);
    if (names === undefined)
      throw new UsageError(`xds: ${shortOf(typeUrl)} is asked for by name, and nothing that came mentions one`);
    const before = xds.receipts.length;
    xds.subscribe(typeUrl, names);
    io.out(`→ ${shortOf(typeUrl)} names=${names.length === 0 ? '*' : names.length}\n`);
    const came = await news(context, io, () => xds.receipts.slice(before).some((each) => each.typeUrl === typeUrl));
    if (!came) io.err('no response within 5 s\n');
    for (const receipt of xds.receipts.slice(before)) io.out(lineOf(receipt));
    return came ? 0 : 1;
  },
};

const ack: Verb = {
  name: 'ack',
  manual: `xds ack CDS|EDS|LDS|RDS [--nonce nonce]
Accepts the latest response of the type: sends its version and nonce back. Another nonce answers another response.`,
  flags: { nonce: value() },
  complete: typeNames,
  run: async (flags, io, context) => answer(flags.words[0], { nonce: flags.text('nonce') }, io, context),
};

const nack: Verb = {
  name: 'nack',
  manual: `xds nack CDS|EDS|LDS|RDS -m text [--nonce nonce]
Refuses the latest response of the type: sends its nonce, the version that stays in use, and the text.`,
  flags: { message: value('m'), nonce: value() },
  complete: typeNames,
  run: async (flags, io, context) => {
    const error = flags.text('message');
    if (error === undefined || error === '') throw new UsageError('xds: a NACK says why: -m "text"');
    return answer(flags.words[0], { nonce: flags.text('nonce'), error: error.slice(0, 1000) }, io, context);
  },
};

const wait: Verb = {
  name: 'wait',
  manual: `xds wait
Waits at most 5 s for a response that has not been answered yet, and shows all of those.`,
  flags: {},
  run: async (_flags, io, context) => {
    const xds = connected(context);
    const open = (): HandReceipt[] => xds.receipts.filter((each) => each.answer === 'none');
    await news(context, io, () => open().length > 0);
    for (const receipt of open()) io.out(lineOf(receipt));
    if (open().length === 0) io.err('nothing came\n');
    return open().length === 0 ? 1 : 0;
  },
};

const status: Verb = {
  name: 'status',
  manual: `xds status
Each type: the version in use, and what became of the latest response.`,
  flags: {},
  run: async (_flags, io, context) => {
    const xds = connected(context);
    io.out('TYPE  IN USE                         LATEST                         NONCE         ANSWER\n');
    for (const typeUrl of xds.subscribed()) {
      const last = xds.latest(typeUrl);
      const cells = [shortOf(typeUrl).padEnd(4), (xds.inUse(typeUrl)?.versionInfo ?? '-').padEnd(29)];
      io.out(
        `${[...cells, (last?.versionInfo ?? '-').padEnd(29), (last?.nonce ?? '-').padEnd(12), last?.answer ?? '-'].join('  ')}\n`,
      );
    }
    return 0;
  },
};

const show: Verb = {
  name: 'show',
  manual: `xds show CDS|EDS|LDS|RDS [name] [--offered]
What was accepted last: names, or one resource as JSON. --offered: what came last.`,
  flags: { offered: onOff() },
  complete: typeNames,
  run: async (flags, io, context) => {
    const xds = connected(context);
    const typeUrl = typeOf(flags.words[0]);
    const held = flags.on('offered') ? xds.offered(typeUrl) : xds.inUse(typeUrl);
    const name = flags.words[1];
    if (name === undefined) for (const each of held?.resources.keys() ?? []) io.out(`${each}\n`);
    else {
      const resource = held?.resources.get(name);
      if (resource === undefined) throw new UsageError(`xds: ${shortOf(typeUrl)} holds no ${name}`);
      io.out(`${JSON.stringify(resource, null, 2)}\n`);
    }
    return 0;
  },
};

const close: Verb = {
  name: 'close',
  manual: 'xds close\nEnds the stream.',
  flags: {},
  run: async (_flags, io, { xds }) => {
    xds.close();
    io.out('closed\n');
    return 0;
  },
};

export const xds: Command = withVerbs({
  name: 'xds',
  summary: 'an xDS client in your hand: subscribe, ack, nack',
  intro:
    'xds speaks the xDS protocol with istiod as a proxy does, one message at a time. Order: connect, subscribe, ack.',
  verbs: [connect, subscribe, ack, nack, wait, status, show, close],
});

async function answer(
  word: string | undefined,
  given: { readonly nonce: string | undefined; readonly error?: string },
  io: CommandIo,
  context: ShellContext,
): Promise<number> {
  const client = connected(context);
  const typeUrl = typeOf(word);
  const last = client.latest(typeUrl);
  if (last === undefined) throw new UsageError(`xds: no response of ${shortOf(typeUrl)} has come`);
  const { nonce, error } = given;
  client.answer(typeUrl, { ...(nonce !== undefined && { nonce }), ...(error !== undefined && { error }) });
  io.out(`→ ${error === undefined ? 'ACK' : 'NACK'} ${shortOf(typeUrl)} nonce=${nonce ?? last.nonce}\n`);
  await takesNote(context, typeUrl);
  return 0;
}

/** No answer comes to an answer: what istiod makes of it is seen in its own table, if it makes anything of it. */
async function takesNote({ sandbox, xds: client }: ShellContext, typeUrl: TypeUrl): Promise<void> {
  const noted = (): boolean => {
    const row = sandbox.controlPlane?.syncStatus().find(({ node }) => node.id === client.node?.id);
    return row !== undefined && row.types[shortOf(typeUrl)] !== 'STALE';
  };
  // An answer that istiod does not take (another nonce) changes nothing there.
  await sandbox.until(noted, NOTED_MS, 'istiod takes note of an answer').catch(() => undefined);
}

const lineOf = ({ typeUrl, versionInfo, nonce, bytes, names }: HandReceipt): string =>
  `← ${shortOf(typeUrl)} version=${versionInfo} nonce=${nonce} resources=${names.length} bytes=${bytes}\n`;

/** What a type must be asked for: [] for all, undefined when nothing is known. */
function mentioned(client: HandClient, typeUrl: TypeUrl): readonly string[] | undefined {
  if (typeUrl === typeUrls.endpoint) return found(client.offered(typeUrls.cluster)?.resources.values(), edsNames);
  if (typeUrl === typeUrls.route) return found(client.offered(typeUrls.listener)?.resources.values(), routeNames);
  return [];
}

function found(
  resources: Iterable<object> | undefined,
  namesIn: (value: unknown) => readonly string[],
): readonly string[] | undefined {
  const names = new Set([...(resources ?? [])].flatMap((each) => namesIn(each)));
  return names.size === 0 ? undefined : [...names];
}

function edsNames(cluster: unknown): readonly string[] {
  const { type, name } = cluster as { readonly type?: string; readonly name?: string };
  return type === 'EDS' && name !== undefined ? [name] : [];
}

/** Every `route_config_name` inside a listener. */
function routeNames(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'route_config_name' && typeof inner === 'string' ? [inner] : routeNames(inner),
  );
}

/** Resolves true when `met` holds, false after five seconds or Ctrl+C. */
function news({ xds: client, clock }: ShellContext, { signal }: CommandIo, met: () => boolean): Promise<boolean> {
  if (met()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      stop();
      signal.removeEventListener('abort', end);
      resolve(met());
    };
    const timer = clock.after(ANSWER_MS, end);
    const stop = client.onNews(() => {
      if (met() || client.lost !== undefined) end();
    });
    signal.addEventListener('abort', end, { once: true });
  });
}
