import { monaco } from './monaco-setup.ts';
import type { Problem } from './problems.ts';

/** Offers the repairs of the server's problems where the cursor is: the light bulb, and Ctrl or Cmd with the full stop. */
export function offerFixes(problemsOf: (model: monaco.editor.ITextModel) => readonly Problem[]): monaco.IDisposable {
  return monaco.languages.registerCodeActionProvider('yaml', {
    provideCodeActions: (model, range) => {
      const actions = problemsOf(model).flatMap(({ fix, line, endLine }): monaco.languages.CodeAction[] => {
        if (!fix || line > range.endLineNumber || endLine < range.startLineNumber) return [];
        const { line: startLineNumber, column: startColumn, endLine: endLineNumber, endColumn } = fix.range;
        const textEdit = { range: { startLineNumber, startColumn, endLineNumber, endColumn }, text: fix.text };
        return [
          {
            title: fix.title,
            kind: 'quickfix',
            isPreferred: true,
            edit: { edits: [{ resource: model.uri, textEdit, versionId: model.getVersionId() }] },
          },
        ];
      });
      return { actions, dispose: () => undefined };
    },
  });
}
