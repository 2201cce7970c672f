import { parseAllDocuments } from 'yaml';
import { ApiError } from '../../errors.ts';

/**
 * The text laid out anew: two spaces a level, lists indented below their key, one blank line kept where there were more. Comments, key
 * order, quotes and flow style stay. Text that is not YAML is refused with its place.
 */
export function formatYaml(text: string): string {
  const documents = parseAllDocuments(text, { keepSourceTokens: false, uniqueKeys: false });
  if (!Array.isArray(documents)) return text;
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined) {
    const place = broken.linePos?.[0];
    throw new ApiError(
      'invalid',
      `Line ${place?.line ?? 1} is not YAML, so nothing was laid out: ${broken.message.split('\n')[0]}`,
    );
  }
  const options = { indent: 2, indentSeq: true, lineWidth: 0, flowCollectionPadding: true } as const;
  return documents
    .map((document) =>
      document
        .toString(options)
        .replace(/^---\n/, '')
        .trimEnd(),
    )
    .join('\n---\n')
    .concat('\n');
}
