import { parseArgs } from 'node:util';
import { ISTIO_MESH_DEFAULTS, type MeshConfig } from '#control-plane';
import type { Origin } from '#domain';
import { parseManifests } from '#istio';
import { completeWorkloads, createTrials } from '#sandbox';
import { type CliCommand, type CliIo, type NamedText, readFiles, UsageError } from '../command.ts';
import { readMeshFile } from '../mesh-file.ts';
import { readObjects } from '../objects.ts';
import { completeEndpoints } from '../pod-endpoints.ts';
import { explainHops, explanationText, type Locate } from './report.ts';
import { findSource } from './sources.ts';

const USAGE =
  "meshwork explain -f FILE… --from NS/WORKLOAD|gateway:NS/NAME [--method M] [-H 'k: v']… [--mesh-config FILE] [--seed TEXT] [--output json] URL";

/** Above any time-out that a lesson sets. */
const PATIENCE_MS = 30_000;

interface Call {
  readonly from: string;
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly mesh: MeshConfig;
  readonly seed: string;
}

/** `meshwork explain`: the decision path of one request through the proxies that the files describe. No byte leaves the process. */
export const explainCommand: CliCommand = {
  name: 'explain',
  summary: 'Shows each decision that proxies take for a request: the real code decides, nothing is sent.',
  usage: USAGE,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        file: { type: 'string', short: 'f', multiple: true },
        from: { type: 'string' },
        method: { type: 'string', short: 'X', default: 'GET' },
        header: { type: 'string', short: 'H', multiple: true, default: [] },
        'mesh-config': { type: 'string' },
        seed: { type: 'string', default: 'meshwork' },
        output: { type: 'string', short: 'o', default: 'text' },
      },
    });
    if (!values.file?.length) throw new UsageError('name at least one file with -f');
    if (values.from === undefined) throw new UsageError('say whose request it is with --from');
    if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json');
    const { url, method } = readTarget(positionals, values.method);
    const texts = await readFiles(values.file, io);
    const mesh =
      values['mesh-config'] === undefined ? ISTIO_MESH_DEFAULTS : await readMeshFile(values['mesh-config'], io);
    const headers = values.header.map(readHeader);
    const explanation = await explain(texts, { from: values.from, url, method, headers, mesh, seed: values.seed }, io);
    io.out(values.output === 'json' ? JSON.stringify(explanation, undefined, 1) : explanationText(explanation));
    return 0;
  },
};

/** `GET http://host/path`, or the URL alone with `--method`. */
function readTarget(positionals: readonly string[], method: string): { url: URL; method: string } {
  const text = positionals.at(-1);
  if (text === undefined || positionals.length > 2) throw new UsageError('give one URL');
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url === null) throw new UsageError(`${text} is no URL`);
  return { url, method: (positionals.length === 2 ? (positionals[0] ?? method) : method).toUpperCase() };
}

function readHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new UsageError(`-H takes "name: value", not "${text}"`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

async function explain(texts: readonly NamedText[], call: Call, io: CliIo): Promise<ReturnType<typeof explainHops>> {
  const { clock } = io;
  const objects = completeEndpoints(completeWorkloads(readObjects(texts, io), clock));
  const source = findSource(call.from, objects);
  const trials = createTrials({ objects, mesh: call.mesh, clock, seed: call.seed });
  try {
    const { view, hops } = await trials.send(source, { ...call, timeoutMs: PATIENCE_MS });
    const { from, method, url } = call;
    const refused = trials.refused.map(({ pod, name, message }) => `the proxy of ${pod} refuses ${name}: ${message}`);
    const notes = [...(source.assumed === undefined ? [] : [source.assumed]), ...refused];
    return explainHops({
      ...{ from, method, url, view, hops, notes },
      locate: locator(texts),
      leftOut: (hop) => trials.leftOut(hop),
      closedTo: hops.length === 0 ? trials.closedTo(source, url) : [],
    });
  } finally {
    await trials.stop();
  }
}

function locator(texts: readonly NamedText[]): Locate {
  const { documents } = parseManifests(texts);
  const keyOf = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;
  const byKey = new Map(
    documents.map((document) => {
      const { kind, metadata } = document.object;
      return [keyOf(kind, metadata.namespace ?? 'default', metadata.name), document];
    }),
  );
  return ({ kind, namespace, name, path }: Origin) => byKey.get(keyOf(kind, namespace, name))?.locateKey(path);
}
