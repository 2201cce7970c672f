import { useEffect, useState } from 'react';
import { say, whenVoice } from '../../components/speech.ts';
import type { Card, CardType } from '../../course/cards.ts';
import { type Run, stressRuns } from '../../course/terms.ts';
import type { Attempt } from './attempt.ts';
import { CardCode } from './card-code.tsx';
import { Icon } from './icon.tsx';

/** One question. Nothing is turned over: the answer unfolds below, in place. */
export function CardFace({ card, shown, attempt }: { card: Card; shown: boolean; attempt?: Attempt | undefined }) {
  return (
    <>
      <p className="from">
        <span>{card.task}</span>
      </p>
      {card.ask.length > 0 ? (
        <h1 className={card.type === 'meaning' || card.type === 'say' ? 'ask big' : 'ask'}>
          {card.ask.map((run) => (
            <AskRun key={run.at} run={run} shown={shown} />
          ))}
        </h1>
      ) : (
        <h1 className="sr">A word is spoken</h1>
      )}
      {card.code && <CardCode code={card.code} shown={shown} />}
      {shown && <Answer card={card} attempt={attempt} />}
    </>
  );
}

function AskRun({ run, shown }: { run: Run; shown: boolean }) {
  if (!run.strong) return run.text;
  return shown ? <mark>{run.text}</mark> : <span className="gap" role="img" aria-label="gap" />;
}

/** The answer is the name of something, and stands large. */
const named = new Set<CardType>(['term', 'cloze', 'contrast', 'hear', 'yaml', 'flag', 'bug']);

function Answer({ card, attempt }: { card: Card; attempt: Attempt | undefined }) {
  return (
    <div className="ans">
      <div>
        {attempt && <Verdict attempt={attempt} />}
        {card.type === 'say' && <Spoken card={card} />}
        {named.has(card.type) && <p className="name">{card.answer}</p>}
        {(card.type === 'meaning' || card.type === 'own') && <p>{card.answer}</p>}
        {card.type === 'say' && <p className="second">{card.answer}</p>}
        {card.parts && <RightOrder parts={card.parts} />}
        {card.note && <p className="second">{card.note}</p>}
        {(card.type === 'meaning' || card.type === 'term' || card.type === 'cloze' || card.type === 'hear') && (
          <p className="ipa">
            {card.ipa} · <Respelling text={card.respelling ?? ''} />
          </p>
        )}
      </div>
      <div className="btns">
        {card.type !== 'own' && <SayIt text={card.type === 'contrast' ? card.answer : card.term} />}
        {card.type !== 'own' && (
          <a className="btn" href={`/words/${card.slug}/`}>
            Open the word
          </a>
        )}
      </div>
    </div>
  );
}

const verdicts: Readonly<Record<Attempt['verdict'], { readonly icon: string; readonly words: string }>> = {
  right: { icon: 'check', words: 'Right.' },
  almost: { icon: 'check', words: 'Almost: you wrote' },
  wrong: { icon: 'x', words: 'Not this:' },
};

function Verdict({ attempt }: { attempt: Attempt }) {
  const { icon, words } = verdicts[attempt.verdict];
  return (
    <p className={`verdict ${attempt.verdict}`}>
      <Icon name={icon} /> {words} {attempt.verdict !== 'right' && <b>{attempt.text}</b>}
    </p>
  );
}

function RightOrder({ parts }: { parts: readonly string[] }) {
  return (
    <ol className="right-order">
      {parts.map((part) => (
        <li key={part}>{part}</li>
      ))}
    </ol>
  );
}

function Spoken({ card }: { card: Card }) {
  return (
    <div className="spoken">
      <p className="resp">
        <Respelling text={card.respelling ?? ''} />
        {card.respellingUk && (
          <>
            , British <Respelling text={card.respellingUk} />
          </>
        )}
      </p>
      <p className="ipa">
        {card.ipaUk ? (
          <>
            US {card.ipa} · UK {card.ipaUk}
          </>
        ) : (
          card.ipa
        )}
      </p>
    </div>
  );
}

function Respelling({ text }: { text: string }) {
  return stressRuns(text).map(({ text: part, strong, at }) =>
    strong ? <b key={at}>{part}</b> : <span key={at}>{part}</span>,
  );
}

function SayIt({ text }: { text: string }) {
  const [voice, setVoice] = useState(false);
  useEffect(() => whenVoice(() => setVoice(true)), []);
  if (!voice) return null;
  return (
    <button type="button" className="btn" onClick={() => say(text)}>
      <Icon name="say" />
      Say it
    </button>
  );
}
