import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startLabServer } from '#api';
import { errorMessage, MeshworkError, seededRandom } from '#domain';
import { openLearnerStore } from '#learners';
import { type KeyHost, readKeyHost } from '#sandbox/key-host';
import { systemClock } from './system.ts';

interface Config {
  readonly verb: string;
  readonly host: string;
  readonly port: number;
  readonly root: string;
  readonly dataFile: string;
  /** The joined code of a sandbox; undefined: its sources. */
  readonly sandboxProgram: string | undefined;
  readonly sleepAfterMs: number | undefined;
  /** Hosts outside from which meshes may fetch keys of JWT issuers. */
  readonly keyHosts: readonly KeyHost[];
}

const USAGE = `usage: npm start -- [--port 4321] [--host 127.0.0.1] [--data .meshwork/learners.db] [--jwks-host HOST]…

  start   serve the site and the lab (the default)
  help    this text

Useful without the site, each with --help: VERBS`;

function readConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): Config {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      host: { type: 'string' },
      port: { type: 'string' },
      data: { type: 'string' },
      'jwks-host': { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const port = Number(values.port ?? environment['MESHWORK_PORT'] ?? 4321);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new MeshworkError('bad_port', `--port takes a number from 0 to 65535, not ${values.port}.`);
  }
  return Object.freeze({
    verb: values.help ? 'help' : (positionals[0] ?? 'start'),
    host: values.host ?? '127.0.0.1',
    port,
    root,
    dataFile: values.data ?? environment['MESHWORK_DATA'] ?? join(root, '.meshwork', 'learners.db'),
    sandboxProgram: environment['MESHWORK_SANDBOX'],
    keyHosts: keyHosts(values['jwks-host'], environment['MESHWORK_JWKS_HOSTS']),
    sleepAfterMs: environment['MESHWORK_SLEEP_MS'] ? Number(environment['MESHWORK_SLEEP_MS']) : undefined,
  });
}

/** Those of the flag, which may be given again, or else those of the variable, with commas between. */
const keyHosts = (flag: readonly string[] | undefined, variable: string | undefined): KeyHost[] =>
  (flag ?? variable?.split(',') ?? []).filter((text) => text.trim() !== '').map(readKeyHost);

async function start(config: Config): Promise<void> {
  const startedMs = performance.now();
  const clock = systemClock();
  const store = openLearnerStore({ file: config.dataFile, nowMs: () => clock.now() });
  const server = await startLabServer({
    root: config.root,
    sandboxProgram: config.sandboxProgram,
    keyHosts: config.keyHosts,
    host: config.host,
    port: config.port,
    clock,
    // Where sandboxes lie in the loopback range is no secret; it must only differ between servers.
    random: seededRandom(`${process.pid}/${clock.now()}`),
    store,
    sleepAfterMs: config.sleepAfterMs,
    onLog: (line) => console.error(line),
  });
  console.log(`  server       ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  console.log(`\nMeshwork is at ${server.url}   (Ctrl+C stops it)`);

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    server
      .stop()
      .then(() => store.close())
      .then(() => process.exit(0))
      .catch((error: unknown) => fail(error));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

function fail(error: unknown): never {
  console.error(`\nMeshwork cannot go on: ${errorMessage(error)}`);
  if (error instanceof Error && error.cause) console.error(`Cause: ${errorMessage(error.cause)}`);
  process.exit(1);
}

/** Runs a verb that needs no site. Standard output is flushed before the process ends. */
async function runVerb(verb: string, args: readonly string[]): Promise<void> {
  const { runCli } = await import('./cli/index.ts');
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());
  process.exitCode = await runCli(verb, args, {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    input: () => text(process.stdin),
    signal: abort.signal,
    clock: systemClock(),
  });
}

async function printHelp(): Promise<void> {
  const { cliVerbs } = await import('./cli/index.ts');
  console.log(USAGE.replace('VERBS', cliVerbs.join(', ')));
}

try {
  const [verb = 'start', ...rest] = process.argv.slice(2);
  if (verb === 'start' || verb.startsWith('-')) {
    const config = readConfig(process.argv.slice(2), process.env);
    if (config.verb === 'start') await start(config);
    else await printHelp();
  } else if (verb === 'help') await printHelp();
  else await runVerb(verb, rest);
} catch (error) {
  fail(error);
}
