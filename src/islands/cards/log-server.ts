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

/** A code that another browser types to become the same learner. */
export async function makeLinkCode(): Promise<{ readonly code: string; readonly livesMs: number }> {
  return ask('POST', '/api/link', await neededToken(), {});
}

/** This browser becomes the learner of the code. */
export async function joinByCode(code: string): Promise<void> {
  await ask('POST', '/api/link/join', await neededToken(), { code });
}

/** A learner's own files of a lab. */
export interface LabTexts {
  readonly lab: string;
  readonly files: readonly { readonly file: string; readonly text: string }[];
}

/** The files of every lab that the learner worked in; none where no lab server answers. */
export async function labTexts(): Promise<readonly LabTexts[]> {
  const token = await sessionToken();
  if (token === undefined) return [];
  return (await ask<{ labs: readonly LabTexts[] }>('POST', '/api/labs', token, {})).labs;
}

/** Erases what the server keeps of this learner. */
export async function eraseOnServer(): Promise<void> {
  const token = await sessionToken();
  if (token !== undefined) await ask('DELETE', '/api/log', token);
}

async function sessionToken(): Promise<string | undefined> {
  try {
    const answer = await fetch('/api/session');
    if (!answer.ok || !answer.headers.get('content-type')?.includes('json')) return undefined;
    const { token } = (await answer.json()) as { token?: string };
    return token;
  } catch {
    return undefined;
  }
}

async function neededToken(): Promise<string> {
  const token = await sessionToken();
  if (token === undefined) throw new LogServerError('The lab server does not answer. Start it and try again.');
  return token;
}

async function ask<Result>(method: string, path: string, token: string, body?: object): Promise<Result> {
  const answer = await fetch(path, {
    method,
    headers: { 'x-meshwork-token': token, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const result = (await answer.json()) as Result & { error?: { message: string } };
  if (!answer.ok) throw new LogServerError(result.error?.message ?? `The lab server answered ${answer.status}.`);
  return result;
}
