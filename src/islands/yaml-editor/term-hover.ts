import { monaco } from './monaco-setup.ts';
import { loadTerms } from './terms.ts';

/** Beside the schema's words of a field: the term that it stands for, with the way to its page. */
export function offerTerms(): monaco.IDisposable {
  return monaco.languages.registerHoverProvider('yaml', {
    provideHover: async (model, { lineNumber, column }) => {
      const book = await loadTerms();
      const found = book
        .inLine(model.getLineContent(lineNumber))
        .find((one) => one.column <= column && column < one.endColumn);
      if (!found) return null;
      const { term, slug, gist } = found.entry;
      return {
        range: new monaco.Range(lineNumber, found.column, lineNumber, found.endColumn),
        contents: [{ value: `**[${term}](${location.origin}/words/${slug}/)**: ${gist}.` }],
      };
    },
  });
}
