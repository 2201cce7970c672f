import { KubeStatusError } from '#kube-api';
import { UsageError } from '../../command.ts';

/** An API server's refusal in the words in which kubectl tells it. */
export function explainStatus(error: unknown): UsageError | undefined {
  if (!(error instanceof KubeStatusError)) return undefined;
  const { reason, message, details } = error.status;
  const causes = details?.causes ?? [];
  if (reason !== 'Invalid' || !details || causes.length === 0)
    return new UsageError(`Error from server (${reason}): ${message}`);
  const lines = causes.map(({ field, message: text }) => (field === '' ? text : `${field}: ${text}`));
  const list = lines.length === 1 ? lines[0] : `\n${lines.map((line) => `* ${line}`).join('\n')}`;
  return new UsageError(`The ${details.kind} "${details.name}" is invalid: ${list}`);
}

/** kubectl's complaint about how a verb is used. */
export const usage = (verb: string, text: string): UsageError =>
  new UsageError(`error: ${text}\nSee 'kubectl ${verb} -h' for help and examples`);
