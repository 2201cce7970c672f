import { createHash } from 'node:crypto';
import { errorMessage, pause } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { answer, text } from '../respond.ts';

/** How often it looks: files of volumes tell nobody that they have changed. */
const LOOK_MS = 2000;
const RELOAD_TIMEOUT_MS = 30_000;

/**
 * The container beside Prometheus in Istio's addon: tells it (`--reload-url`) when a file below a `--watched-dir`, or the `--config-file`, has
 * changed. What it could write (`--config-envsubst-file`) it does not.
 */
export const configReloaderImage: WorkloadImage = {
  name: 'prometheus-config-reloader',
  start: async (context) => {
    const [folders, [file], [url], [address = ':8080']] = [
      values(context.args, 'watched-dir'),
      values(context.args, 'config-file'),
      values(context.args, 'reload-url'),
      values(context.args, 'listen-address'),
    ];
    await context.listen(Number(address.split(':').at(-1)) || 8080, (request, response) => {
      answer(response, request.url === '/healthz' ? text(200, 'OK') : text(404, '404 page not found\n'));
    });
    const watched = [...folders, ...(file === undefined ? [] : [file])];
    context.log(`level=info msg="started watching config file and directories for changes" dirs=${folders.join(',')}`);
    void watch(context, watched, url ?? 'http://localhost:9090/-/reload');
  },
};

async function watch(context: ContainerContext, watched: readonly string[], url: string): Promise<void> {
  let known: string | undefined;
  while (!context.signal.aborted) {
    const seen = digestOf(context, watched);
    // The first look reloads, too: files may have come between Prometheus' start and this one.
    if (seen !== known && (await reload(context, url))) known = seen;
    await pause(context, LOOK_MS);
  }
}

function digestOf({ readFile, listFiles }: ContainerContext, watched: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of watched.flatMap((each) => [each, ...listFiles(each)]))
    hash.update(path).update(readFile(path) ?? '');
  return hash.digest('hex');
}

async function reload({ fetch, log, signal }: ContainerContext, url: string): Promise<boolean> {
  try {
    const { status } = await fetch(url, { method: 'POST', timeoutMs: RELOAD_TIMEOUT_MS, signal });
    if (status !== 200) throw new Error(`received non-200 response: ${status}`);
    log('level=info msg="Reload triggered"');
    return true;
  } catch (thrown) {
    if (!signal.aborted)
      log(`level=error msg="Failed to trigger reload. Retrying." err=${JSON.stringify(errorMessage(thrown))}`);
    return false;
  }
}

/** `--name=value` and `--name value`, as often as they come. */
const values = (args: readonly string[], name: string): string[] =>
  args.flatMap((arg, at) => {
    if (arg.startsWith(`--${name}=`)) return [arg.slice(name.length + 3)];
    return arg === `--${name}` ? (args[at + 1] ?? []) : [];
  });
