import { errorMessage } from '#domain';
import { type CliCommand, type CliIo, UsageError } from './command.ts';

/** Every verb besides `start`, loaded when it is called: a verb must not pay for the others. */
const verbs: Readonly<Record<string, () => Promise<CliCommand>>> = {
  analyze: async () => (await import('./analyze.ts')).analyzeCommand,
  explain: async () => (await import('./explain/index.ts')).explainCommand,
  up: async () => (await import('./up.ts')).upCommand,
  validate: async () => (await import('./validate.ts')).validateCommand,
  xds: async () => (await import('./xds.ts')).xdsCommand,
};

export const cliVerbs: readonly string[] = Object.keys(verbs);

/** Runs one verb; resolves to the exit code. A wrong call is 2, with a usage line on standard error. */
export async function runCli(verb: string, args: readonly string[], io: CliIo): Promise<number> {
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (load === undefined) {
    const known = ['start', ...cliVerbs, 'help'];
    io.err(`meshwork: there is no verb "${verb}"; there are ${known.join(', ')}\nusage: meshwork ${known.join('|')} …`);
    return 2;
  }
  const command = await load();
  if (args.includes('--help') || args.includes('-h')) {
    io.out(`${command.usage}\n\n${command.summary}`);
    return 0;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    if (!(error instanceof UsageError) && !isParseArgsError(error)) throw error;
    io.err(`meshwork ${verb}: ${errorMessage(error)}\nusage: ${command.usage}`);
    return 2;
  }
}

/** What node:util's parseArgs throws for an unknown flag or a flag without its value. */
function isParseArgsError(error: unknown): boolean {
  return error instanceof TypeError && `${(error as NodeJS.ErrnoException).code}`.startsWith('ERR_PARSE_ARGS');
}
