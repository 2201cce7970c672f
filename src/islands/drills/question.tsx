import { useEffect, useRef, useState } from 'react';
import type { LogEntry } from '#contract';
import { type BankLab, type Drill, formatFacts } from '../../course/drills.ts';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { Answering } from './answering.tsx';
import { Compare } from './compare.tsx';
import { type How, HowChoice } from './how.tsx';
import { ownQuestions } from './own-work.ts';
import type { NewAnswer } from './sitting.tsx';

interface Props {
  readonly drill: Drill;
  readonly mock: boolean;
  /** The lab that the third follow-up asks about; absent while it does not exist. */
  readonly lab: BankLab | undefined;
  readonly log: readonly LogEntry[];
  readonly how: How;
  onHow(how: How): void;
  /** Without an answer: the question was skipped. `missed`: the points that were not said. */
  done(answer?: NewAnswer, missed?: readonly string[]): void;
}

type Stage = 'ask' | 'answering' | 'following' | 'compare';

/** What an interviewer gives for a follow-up. */
const followSeconds = 45;

/** One question: hear it, answer it against the clock, compare, mark. In a mock interview a follow-up comes before the look. */
export function Question({ drill, mock, lab, log, how, onHow, done }: Props) {
  const [stage, setStage] = useState<Stage>('ask');
  const [texts, setTexts] = useState<readonly string[]>([]);
  const [seconds, setSeconds] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const facts = formatFacts[drill.format];
  const own = ownQuestions(log, drill.ownWork, lab);
  const next = own[0] ?? drill.followUps[log.length % drill.followUps.length] ?? '';
  const late = how.pace > 0 ? seconds - how.pace * facts.seconds : 0;
  return (
    <article className="drill">
      <p className="from">
        {facts.name} · {facts.seconds < 120 ? `${facts.seconds} s` : `${facts.seconds / 60} min`}
      </p>
      <h2 className="ask" ref={heading} tabIndex={-1}>
        {drill.ask}
      </h2>
      <p className="how">{facts.how}</p>
      {drill.evidence && (
        <ScrollArea label="The evidence">
          <pre className="card-code">{drill.evidence.trimEnd()}</pre>
        </ScrollArea>
      )}
      {stage === 'ask' && (
        <div className="begin">
          <HowChoice how={how} onChange={onHow} />
          <p className="row">
            <button type="button" className="btn go big" onClick={() => setStage('answering')}>
              Begin to answer
            </button>
            <button type="button" className="btn quiet" onClick={() => done()}>
              Skip it
            </button>
          </p>
        </div>
      )}
      {stage === 'answering' && (
        <Answering
          how={how}
          seconds={facts.seconds}
          finish={(text, took) => {
            setTexts([text]);
            setSeconds(took);
            setStage(mock ? 'following' : 'compare');
          }}
        />
      )}
      {stage === 'following' && (
        <Answering
          key="following"
          ask={next}
          how={how}
          seconds={followSeconds}
          finish={(text) => {
            setTexts([...texts, text]);
            setStage('compare');
          }}
        />
      )}
      {stage === 'compare' && (
        <Compare
          drill={drill}
          texts={texts.filter(Boolean)}
          own={own}
          asked={mock ? next : undefined}
          lab={lab}
          late={Math.max(0, late)}
          done={(marks, missed) => done({ question: drill.id, marks, seconds, aloud: how.aloud }, missed)}
        />
      )}
    </article>
  );
}
