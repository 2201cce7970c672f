import type { ObjectText } from '#contract';
import { diffLines } from './diff.ts';
import { scrolled } from './scrolled.ts';

/** One object before and after, line by line. A sign stands before each line, so that colour is not needed. */
export function ObjectDiff({ object }: { object: ObjectText }) {
  const lines = diffLines(object.before ?? '', object.after ?? '');
  const name = `${object.kind} ${object.namespace ? `${object.namespace}/` : ''}${object.name}`;
  const how = object.before === undefined ? 'new' : object.after === undefined ? 'deleted' : 'changed';
  return (
    <details className="object" open={lines.length <= 60}>
      <summary>
        <span className="mono">{name}</span> <span className="tag">{how}</span>
      </summary>
      <pre {...scrolled(`${name}, ${how}`)}>
        {lines.map((line) => (
          <span key={line.key} className={line.sign === '+' ? 'added' : line.sign === '-' ? 'gone' : 'same'}>
            {`${line.sign} ${line.text}\n`}
          </span>
        ))}
      </pre>
    </details>
  );
}
