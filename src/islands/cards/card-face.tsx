import { useEffect, useState } from 'react';
import { say, whenVoice } from '../../components/speech.ts';
import type { Card } from '../../course/cards.ts';
import { type Run, stressRuns } from '../../course/terms.ts';
import { Icon } from './icon.tsx';

/** One question. Nothing is turned over: the answer unfolds below, in place. */
export function CardFace({ card, shown }: { card: Card; shown: boolean }) {
  return (
    <>
      <p className="from">
        <span>{card.task}</span>
      </p>
      <h1 className={card.type === 'meaning' || card.type === 'say' ? 'ask big' : 'ask'}>
        {card.ask.map((run) => (
          <AskRun key={run.at} run={run} shown={shown} />
        ))}
      </h1>
      {card.choices && !shown && (
        <p className="choices">
          <b>{card.choices[0]}</b> or <b>{card.choices[1]}</b>?
        </p>
      )}
      {shown && <Answer card={card} />}
    </>
  );
}

function AskRun({ run, shown }: { run: Run; shown: boolean }) {
  if (!run.strong) return run.text;
  return shown ? <mark>{run.text}</mark> : <span className="gap" role="img" aria-label="gap" />;
}

function Answer({ card }: { card: Card }) {
  const named = card.type !== 'meaning' && card.type !== 'say';
  return (
    <div className="ans">
      <div>
        {card.type === 'say' && <Spoken card={card} />}
        {named && <p className="name">{card.answer}</p>}
        {card.type === 'meaning' && <p>{card.answer}</p>}
        {card.type === 'say' && <p className="second">{card.answer}</p>}
        {card.note && <p className="second">{card.note}</p>}
        {card.type !== 'say' && card.type !== 'contrast' && (
          <p className="ipa">
            {card.ipa} · <Respelling text={card.respelling} />
          </p>
        )}
      </div>
      <div className="btns">
        <SayIt text={card.type === 'contrast' ? card.answer : card.term} />
        <a className="btn" href={`/words/${card.slug}/`}>
          Open the word
        </a>
      </div>
    </div>
  );
}

function Spoken({ card }: { card: Card }) {
  return (
    <div className="spoken">
      <p className="resp">
        <Respelling text={card.respelling} />
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
