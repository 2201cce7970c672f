import { z } from 'zod';
import { type LogEntry, logEntrySchema } from '#contract';
import type { Progress } from '../../../components/progress.ts';
import type { LabTexts } from '../learner-calls.ts';
import { type FileContent, ImportError } from './note.ts';

const format = 'meshwork-backup';
const version = 1;
const maxEntries = 400_000;

const longestText = 64 * 1024;
const numbers = z.record(z.string().max(200), z.number());
const courseSchema = z.object({
  answers: numbers.default({}),
  forecasts: numbers.default({}),
  texts: z.record(z.string().max(200), z.string().max(longestText)).default({}),
  marks: z.record(z.string().max(200), z.array(z.number()).max(50)).default({}),
  lastDay: z.object({ day: z.number(), atMs: z.number() }).optional(),
});
const labSchema = z.object({
  lab: z.string().regex(/^[a-z0-9-]{1,60}$/),
  files: z.array(z.object({ file: z.string().max(120), text: z.string().max(longestText) })).max(50),
});
/** Everything that is kept of a learner: the log, what the pages of the course keep, and the files of the labs. */
export function writeBackup(input: {
  readonly log: readonly LogEntry[];
  readonly course: unknown;
  readonly labs: readonly LabTexts[];
  readonly nowMs: number;
}): string {
  const head = { format, version, writtenAt: new Date(input.nowMs).toISOString() };
  return `${JSON.stringify({ ...head, course: input.course, labs: input.labs, entries: input.log })}\n`;
}

export interface Backup extends FileContent {
  /** What the pages of the course keep; undefined when the file has none, or none that can be used. */
  readonly course?: Progress;
  readonly labs: readonly LabTexts[];
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
  const course = courseSchema.safeParse(file.course);
  if (file.course !== undefined && file.course !== null && !course.success)
    refused.push({ where: 'answers of the course', reason: issueText(course.error.issues[0]) });
  const labs: LabTexts[] = [];
  for (const [index, lab] of (Array.isArray(file.labs) ? (file.labs as unknown[]) : []).entries()) {
    const result = labSchema.safeParse(lab);
    if (result.success) labs.push(result.data);
    else refused.push({ where: `lab ${index + 1}`, reason: issueText(result.error.issues[0]) });
  }
  return { notes: [], entries, refused, labs, ...(course.success ? { course: progressOf(course.data) } : {}) };
}

function progressOf({ lastDay, ...kept }: z.infer<typeof courseSchema>): Progress {
  return lastDay ? { ...kept, lastDay } : kept;
}

function parsed(text: string): {
  format?: unknown;
  version?: unknown;
  entries?: unknown;
  course?: unknown;
  labs?: unknown;
} {
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
