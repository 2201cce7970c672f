import { Mark } from '../parts/sign.tsx';
import type { Problem } from './problems.ts';

interface ProblemListProps {
  problems: readonly Problem[];
  onOpen: (problem: Problem) => void;
}

/** What is wrong with the text, as a list: code, line, message, what to do. A click goes to the line. */
export function ProblemList({ problems, onOpen }: ProblemListProps) {
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
          {problem.lesson && <a href={problem.lesson}>Lesson</a>}
        </li>
      ))}
    </ul>
  );
}
