import type { HeaderChange } from '../config/header-mutations.ts';
import type { FormatSubject } from '../format/subject.ts';
import { applyRule } from './apply-rules.ts';
import type { RequestHead } from './codec.ts';
import type { Headers } from './headers.ts';

/** Makes changes to a list of headers, one after the other: each sees what those before have left. */
export function changeHeaders(headers: Headers, changes: readonly HeaderChange[], subject: FormatSubject): void {
  for (const change of changes) {
    if (change.kind === 'write') applyRule(change.rule, subject, headers);
    else removeWhere(headers, change.concerns);
  }
}

function removeWhere(headers: Headers, concerns: (name: string) => boolean): void {
  for (const [name] of headers.entries()) if (concerns(name)) headers.remove(name);
}

/** What of a request head is written like a header, by its name there. */
const PSEUDO = { ':path': 'path', ':authority': 'authority', host: 'authority', ':method': 'method' } as const;

/** As `changeHeaders`, for a request: its path, host and method can be written, too. */
export function changeRequest(head: RequestHead, changes: readonly HeaderChange[], subject: FormatSubject): void {
  for (const change of changes) {
    const field = change.kind === 'write' ? PSEUDO[change.rule.name as keyof typeof PSEUDO] : undefined;
    if (field === undefined || change.kind !== 'write') changeHeaders(head.headers, [change], subject);
    else if (change.rule.action !== 'ADD_IF_ABSENT' || head[field] === '') head[field] = change.rule.value(subject);
  }
}
