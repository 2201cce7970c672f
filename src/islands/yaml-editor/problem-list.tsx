import { Mark } from '../parts/sign.tsx';
import type { Fix, Problem } from './problems.ts';

interface ProblemListProps {
  problems: readonly Problem[];
  onOpen: (problem: Problem) => void;
  onFix: (fix: Fix) => void;
}

/** What is wrong with the text, as a list: code, line, message, what to do. A click goes to the line. */
export function ProblemList({ problems, onOpen, onFix }: ProblemListProps) {
  if (problems.length === 0) return null;
  return (
    <ul className="problems" aria-label="Problems in the text">
      {problems.map((problem) => (
        <li key={problem.key} className={problem.severity}>
          <button type="button" onClick={() => onOpen(problem)}>
            <Mark name={problem.severity === 'error' ? 'error' : 'slow'} />
            <span>
              <span className="mono place">{problem.line > 0 ? `${problem.file}:${problem.line}` : problem.file}</span>{' '}
              {problem.code && <span className="flag">{problem.code}</span>} {problem.message}{' '}
              {problem.hint && <span className="hint">{problem.hint}</span>}
            </span>
          </button>
          {problem.fix && <Repair fix={problem.fix} onFix={onFix} />}
          {problem.lesson && <a href={problem.lesson}>Lesson</a>}
        </li>
      ))}
    </ul>
  );
}

function Repair({ fix, onFix }: { fix: Fix; onFix: (fix: Fix) => void }) {
  return (
    <button type="button" className="btn fix" onClick={() => onFix(fix)}>
      {fix.title}
    </button>
  );
}
