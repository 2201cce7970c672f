import type { SqlJsStatic } from 'sql.js';
import type { LogEntry } from '#contract';
import type { Progress } from '../../../components/progress.ts';
import type { LabTexts } from '../learner-calls.ts';
import type { Library } from '../library.ts';
import { createScheduler, foldLog } from '../schedule.ts';
import { readAnkiText, writeAnkiText } from './anki-text.ts';
import { readCsv, writeCsv } from './csv.ts';
import { type FileContent, ImportError, maxFileBytes } from './note.ts';
import { readReviewLog, writeReviewLog } from './review-log.ts';

export const formats = {
  backup: {
    name: 'Backup',
    ending: 'json',
    text: 'Everything, to read it in here again: cards, reviews, answers, settings, and your files of the labs.',
  },
  package: { name: 'Anki package', ending: 'apkg', text: 'Cards with their schedule and every review.' },
  text: { name: 'Anki text', ending: 'txt', text: 'Cards. Reading a newer file again updates them in place.' },
  csv: { name: 'CSV', ending: 'csv', text: 'Cards, for a spreadsheet.' },
  reviews: { name: 'Review log', ending: 'reviews.csv', text: 'Every review, as FSRS tools read it.' },
} as const;
export type Format = keyof typeof formats;

export interface WriteInput {
  readonly library: Library;
  readonly log: readonly LogEntry[];
  /** What the pages of the course keep. */
  readonly course: unknown;
  /** The learner's files of the labs. */
  readonly labs: () => Promise<readonly LabTexts[]>;
  readonly nowMs: number;
}

export async function writeFile(format: Format, input: WriteInput): Promise<Blob> {
  const text = (content: string, type: string) => new Blob([content], { type: `${type};charset=utf-8` });
  switch (format) {
    case 'text':
      return text(writeAnkiText(input.library.cards), 'text/plain');
    case 'csv':
      return text(writeCsv(input.library.cards), 'text/csv');
    case 'reviews':
      return text(writeReviewLog(input.log), 'text/csv');
    case 'backup': {
      const { writeBackup } = await import('./backup.ts');
      return text(writeBackup({ ...input, labs: await input.labs() }), 'application/json');
    }
    case 'package': {
      const { writePackage } = await import('./apkg.ts');
      const scheduler = createScheduler({ retention: input.library.settings.retention });
      const bytes = await writePackage(await loadSql(), { ...input, memories: foldLog(input.log, scheduler) });
      return new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' });
    }
  }
}

export interface FoundFile {
  readonly content: FileContent;
  readonly course?: Progress;
  readonly labs?: readonly LabTexts[];
}

/** What a file holds, by its content rather than by its name. Throws `ImportError` in words for the learner. */
export async function readFile(file: File): Promise<FoundFile> {
  if (file.size > maxFileBytes) throw new ImportError('The file is larger than 20 MB.');
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) {
    const { readPackage } = await import('./apkg.ts');
    return { content: readPackage(await loadSql(), bytes) };
  }
  const text = new TextDecoder().decode(bytes);
  if (text.trimStart().startsWith('{')) {
    const { readBackup } = await import('./backup.ts');
    const { course, labs, ...content } = readBackup(text);
    return { content, labs, ...(course === undefined ? {} : { course }) };
  }
  const [head = ''] = text.split(/\r?\n/, 1);
  if (/\bcard_id\b/.test(head)) return { content: readReviewLog(text) };
  const isCsv = !head.startsWith('#') && !head.includes('\t') && /(^|,)"?front"?(,|$)/i.test(head);
  return { content: isCsv ? readCsv(text) : readAnkiText(text) };
}

let sql: Promise<SqlJsStatic> | undefined;

/** SQLite for Anki's packages: 690 kB that nobody else loads. */
function loadSql(): Promise<SqlJsStatic> {
  sql ??= Promise.all([import('sql.js'), import('sql.js/dist/sql-wasm-browser.wasm?url')]).then(
    ([{ default: initSqlJs }, { default: url }]) => initSqlJs({ locateFile: () => url }),
  );
  return sql;
}
