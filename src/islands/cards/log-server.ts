import type { LogExchangeResult } from '#contract';
import type { LogServer } from './sync.ts';

/** What went wrong between this page and the lab server, in words for the learner. */
export class LogServerError extends Error {}

/** The lab server of this page; undefined when none answers: the site may be served alone. */
export async function findLogServer(): Promise<LogServer | undefined> {
  const token = await sessionToken();
  if (token === undefined) return undefined;
  return {
    learner: token,
    exchange: (body) => ask<LogExchangeResult>('POST', '/api/log', token, body),
  };
}

/** What the lab server knows this browser by; undefined where none answers. */
export async function sessionToken(): Promise<string | undefined> {
  try {
    const answer = await fetch('/api/session');
    if (!answer.ok || !answer.headers.get('content-type')?.includes('json')) return undefined;
    const { token } = (await answer.json()) as { token?: string };
    return token;
  } catch {
    return undefined;
  }
}

/** One call of the learner. Throws `LogServerError` with the server's words. */
export async function ask<Result>(method: string, path: string, token: string, body?: object): Promise<Result> {
  const answer = await fetch(path, {
    method,
    headers: { 'x-meshwork-token': token, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const result = (await answer.json()) as Result & { error?: { message: string } };
  if (!answer.ok) throw new LogServerError(result.error?.message ?? `The lab server answered ${answer.status}.`);
  return result;
}
