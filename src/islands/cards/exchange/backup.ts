import { type LogEntry, logEntrySchema } from '#contract';
import { type FileContent, ImportError } from './note.ts';

const format = 'meshwork-backup';
const version = 1;
const maxEntries = 400_000;

/** Everything that is kept of a learner: the log, and what the pages of the course keep. */
export function writeBackup(input: {
  readonly log: readonly LogEntry[];
  readonly course: unknown;
  readonly nowMs: number;
}): string {
  const head = { format, version, writtenAt: new Date(input.nowMs).toISOString() };
  return `${JSON.stringify({ ...head, course: input.course, entries: input.log })}\n`;
}

export interface Backup extends FileContent {
  /** What the pages of the course keep, as it was written; undefined when the file has none. */
  readonly course?: unknown;
}

/** A backup. Entries of an unknown kind, or out of bounds, are refused one by one; the others are read. */
export function readBackup(text: string): Backup {
  const file = parsed(text);
  if (file.format !== format || !Array.isArray(file.entries))
    throw new ImportError('The file is JSON, but it is not a backup of Meshwork.');
  if (typeof file.version !== 'number' || file.version > version)
    throw new ImportError(`The backup has version ${String(file.version)}. This page reads version ${version}.`);
  if (file.entries.length > maxEntries) throw new ImportError(`The backup has more than ${maxEntries} entries.`);
  const entries: LogEntry[] = [];
  const refused: { where: string; reason: string }[] = [];
  for (const [index, entry] of (file.entries as unknown[]).entries()) {
    const result = logEntrySchema.safeParse(entry);
    if (result.success) entries.push(result.data);
    else refused.push({ where: `entry ${index + 1}`, reason: issueText(result.error.issues[0]) });
  }
  return { notes: [], entries, refused, ...(isRecord(file.course) ? { course: file.course } : {}) };
}

function parsed(text: string): { format?: unknown; version?: unknown; entries?: unknown; course?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch (cause) {
    throw new ImportError('The file is not JSON. It may be cut off.', { cause });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function issueText(issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined): string {
  return issue ? `${issue.path.join('.')}: ${issue.message}` : 'It is not an entry of a log.';
}
