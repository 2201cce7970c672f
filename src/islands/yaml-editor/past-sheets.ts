import type { AppliedFile, Sheet } from '../../lab-client/index.ts';

/** The files as they had been applied at a moment: none may be written; one that was not applied yet is empty. */
export function asItWas(present: readonly Sheet[], then: readonly AppliedFile[]): Sheet[] {
  const texts = new Map(then.map(({ file, text }) => [file, text]));
  const gone = then.filter(({ file }) => !present.some((sheet) => sheet.file === file));
  return [
    ...present.map((sheet) => ({
      ...sheet,
      text: texts.get(sheet.file) ?? (sheet.readOnly ? sheet.text : ''),
      readOnly: true,
      changed: false,
    })),
    ...gone.map(({ file, text }) => ({ file, text, readOnly: true, changed: false })),
  ];
}
