import { errorMessage } from '#domain';
import type { Sandbox } from '#sandbox';
import { textPipe } from '#shell';
import { everyEntry } from './fields.ts';
import type { CommandProbe } from './identity-schema.ts';

export interface CommandVerdict {
  readonly met: boolean;
  readonly seen: string;
}

const LIMIT_MS = 15_000;
const SHOWN = 200;

/** Runs a probe's script in its pod, as `kubectl exec` does. */
export async function runProbeCommand(spec: CommandProbe, sandbox: Sandbox): Promise<CommandVerdict> {
  const pod = sandbox.pods.find(
    (each) => each.namespace === spec.namespace && everyEntry(spec.labels, (key, value) => each.labels[key] === value),
  );
  if (pod === undefined) return { met: false, seen: `${spec.named}: the pod is not there.` };
  const container = spec.container ?? pod.containers.find(({ kind }) => kind === 'app')?.name ?? '';
  const wanted = spec.output === undefined ? undefined : new RegExp(spec.output);
  for (let time = 1; time <= spec.times; time++) {
    const { code, text } = await run(pod, container, spec.run, sandbox);
    if (code === spec.exit && (wanted === undefined || wanted.test(text))) continue;
    const said = text.trim().slice(0, SHOWN);
    return { met: false, seen: `${spec.named}: exit code ${code}${said === '' ? '' : `, ${said}`}` };
  }
  return { met: true, seen: `${spec.named}: exit code ${spec.exit}, ${spec.times} of ${spec.times}.` };
}

async function run(
  pod: Sandbox['pods'][number],
  container: string,
  script: string,
  { clock }: Sandbox,
): Promise<{ code: number; text: string }> {
  let text = '';
  const write = (more: string): void => {
    text += more;
  };
  const abort = new AbortController();
  const limit = clock.after(LIMIT_MS, () => abort.abort());
  try {
    const io = { stdin: textPipe(''), hasStdin: false, out: write, err: write, signal: abort.signal };
    return { code: await pod.run(container, ['sh', '-c', script], io), text };
  } catch (error) {
    return { code: -1, text: errorMessage(error) };
  } finally {
    limit.cancel();
  }
}
