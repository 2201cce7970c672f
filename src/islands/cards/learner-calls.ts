// What only the pages of settings and files ask of the lab server; the pages that keep a log do not carry it.
import { ask, LogServerError, sessionToken } from './log-server.ts';

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

/**
 * Leaves files where the lab's page finds them as drafts. Written here and not by `lab-client/drafts.ts`, since a module that both
 * pages share would be one more script of the lab; a test holds the two together.
 */
export function leaveForLab(storage: Pick<Storage, 'setItem'>, { lab, files }: LabTexts): void {
  storage.setItem(`meshwork.draft.${lab}`, JSON.stringify(files));
}

/** Erases what the server keeps of this learner. */
export async function eraseOnServer(): Promise<void> {
  const token = await sessionToken();
  if (token !== undefined) await ask('DELETE', '/api/log', token);
}

async function neededToken(): Promise<string> {
  const token = await sessionToken();
  if (token === undefined) throw new LogServerError('The lab server does not answer. Start it and try again.');
  return token;
}
