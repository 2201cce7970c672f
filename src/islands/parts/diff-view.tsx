import { counted } from './format.ts';
import { countDiff, type DiffLine, diffLines, hunksOf } from './line-diff.ts';

interface DiffViewProps {
  before: string;
  after: string;
  /** What is compared, for those who do not see it. */
  label: string;
}

/** What scrolls must be reached by the keyboard. */
const SCROLLED = { tabIndex: 0 } as const;

const SIGN = { same: ' ', added: '+', removed: '−' } as const;
const WORD = { same: '', added: 'added: ', removed: 'removed: ' } as const;

/** Two texts as one, line by line. Signs and words say what the grounds say. */
export function DiffView({ before, after, label }: DiffViewProps) {
  const lines = diffLines(before, after);
  const { added, removed } = countDiff(lines);
  if (added + removed === 0) return <p className="diff-none">No line differs.</p>;
  let folds = 0;
  return (
    <section
      className="diff"
      aria-label={`${label}: ${counted(added, 'line')} added, ${removed} removed`}
      {...SCROLLED}
    >
      {hunksOf(lines).map((hunk) => {
        if (hunk.kind === 'folded') {
          folds += 1;
          return (
            <p key={`fold ${folds}`} className="fold">
              {counted(hunk.count, 'line')} unchanged
            </p>
          );
        }
        const [first] = hunk.lines;
        return (
          <pre key={`${first?.before ?? ''} ${first?.after ?? ''}`}>
            {hunk.lines.map((line) => (
              <Line key={`${line.before ?? '+'} ${line.after ?? '-'}`} line={line} />
            ))}
          </pre>
        );
      })}
    </section>
  );
}

function Line({ line }: { line: DiffLine }) {
  return (
    <span className={`dl ${line.kind}`}>
      <span className="no" aria-hidden="true">
        {line.after ?? line.before}
      </span>
      <span className="sign" aria-hidden="true">
        {SIGN[line.kind]}
      </span>
      <span className="sr">{WORD[line.kind]}</span>
      {line.text}
      {'\n'}
    </span>
  );
}
