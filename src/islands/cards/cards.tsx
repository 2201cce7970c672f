import { useEffect, useRef } from 'react';
import { suggested } from './attempt.ts';
import { CardFace } from './card-face.tsx';
import { CardTask } from './card-task.tsx';
import { Icon } from './icon.tsx';
import { ProgressLine } from './progress-line.tsx';
import { intervalWords, type Rating, ratings } from './schedule.ts';
import { leechLapses } from './stats.ts';
import { type Review, useReview } from './use-review.ts';

const names: Record<Rating, string> = { 1: 'Again', 2: 'Hard', 3: 'Good', 4: 'Easy' };
const meanings: Record<Rating, string> = {
  1: 'I did not know it',
  2: 'I knew it, with effort',
  3: 'I knew it',
  4: 'I knew it at once',
};

/** The cards page: one card at a time, by mouse, touch or keyboard. */
export default function Cards() {
  const review = useReview();
  useKeys(review);
  if (review.state === 'failed') return <Failed retry={review.retry} />;
  if (review.state === 'loading') return <p className="quiet-note">Reading your cards.</p>;
  return (
    <>
      {review.card ? <ProgressLine sitting={review.sitting} left={review.queue.cards.length} /> : <div />}
      <div className="stage">{review.card ? <CardInHand review={review} /> : <AllDone review={review} />}</div>
    </>
  );
}

function CardInHand({ review }: { review: Review }) {
  const { card, shown, waits, attempt } = review;
  const grades = useRef<HTMLFieldSetElement>(null);
  const task = useRef<HTMLDivElement>(null);
  const cardId = card?.id;
  const began = useRef(false);
  useEffect(() => {
    if (shown) grades.current?.querySelector<HTMLButtonElement>('.def')?.focus();
    // The first card leaves the focus where the page put it; Space works from anywhere.
    else if (cardId !== undefined && began.current) focusTask(task.current);
    began.current = true;
  }, [shown, cardId]);
  if (!card) return null;
  const usual = suggested(attempt);
  return (
    <article className="card" aria-label={`Card: ${card.task}`}>
      <div className="face" aria-live="polite">
        {/* A new card is a new part of the page, so that it is read out in whole and not in those words that changed. */}
        <CardFace key={card.id} card={card} shown={shown} attempt={attempt} />
      </div>
      {shown && waits ? (
        <fieldset className="grade" ref={grades}>
          <legend className="sr">How well did you know it?</legend>
          {ratings.map((rating) => (
            <button
              key={rating}
              type="button"
              className={rating === usual ? 'def' : ''}
              title={meanings[rating]}
              onClick={() => review.rate(rating)}
            >
              <kbd>{rating}</kbd>
              <span>
                <b>{names[rating]}</b>
                <span className="wait">in {intervalWords(waits[rating])}</span>
              </span>
            </button>
          ))}
        </fieldset>
      ) : (
        <div ref={task}>
          <CardTask key={card.id} card={card} onAnswer={review.show} />
        </div>
      )}
      <Under review={review} />
    </article>
  );
}

/** Where the answer is typed, else the first part to be ordered, else what answers: never what only helps, as a recorder does. */
function focusTask(task: HTMLElement | null): void {
  const places = ['input', '.part', '.reveal button'];
  const first = places.map((place) => task?.querySelector<HTMLElement>(place)).find(Boolean);
  first?.focus({ preventScroll: true });
}

function Under({ review }: { review: Review }) {
  return (
    <div className="under">
      {review.sitting.length > 0 && (
        <button type="button" className="btn quiet" onClick={review.undo} title="Ctrl+Z">
          <Icon name="undo" />
          Undo
        </button>
      )}
      {review.card && (
        <>
          <button type="button" className="btn quiet" onClick={review.suspend} title="It comes back when you want it">
            Suspend
          </button>
          <a className="btn quiet" href={`/cards/deck/#${encodeURIComponent(review.card.id)}`}>
            Edit card
          </a>
        </>
      )}
      {review.memory && review.memory.lapses >= leechLapses && (
        <span>Forgotten {review.memory.lapses} times. Put it in your own words, or read the word again.</span>
      )}
      {!review.kept && <span>This browser keeps nothing: your grades last until you close the page.</span>}
    </div>
  );
}

function AllDone({ review }: { review: Review }) {
  const { nextMs } = review.queue;
  const count = review.sitting.length;
  const words = useRef<HTMLHeadingElement>(null);
  const ended = count > 0;
  useEffect(() => {
    if (ended) words.current?.focus();
  }, [ended]);
  return (
    <article className="card done">
      <h1 className="ask" ref={words} tabIndex={-1}>
        {count > 0 ? 'That is all for now.' : 'Nothing is due.'}
      </h1>
      <p>
        {count > 0 && `${count} ${count === 1 ? 'card' : 'cards'} in this sitting. `}
        {nextMs !== undefined && `The next card comes in ${intervalWords(nextMs - Date.now())}.`}
      </p>
      <p className="next-steps">
        <a className="btn" href="/words/">
          Read words
        </a>
        <a className="btn" href="/lab/">
          Go to the labs
        </a>
      </p>
      {count > 0 && <Under review={review} />}
    </article>
  );
}

function Failed({ retry }: { retry: () => void }) {
  return (
    <div className="stage">
      <article className="card done" role="alert">
        <h1 className="ask">The deck did not load.</h1>
        <p>The file with the cards was not found on this server. Your reviews are safe in this browser.</p>
        <p className="next-steps">
          <button type="button" className="btn go" onClick={retry}>
            Try again
          </button>
        </p>
      </article>
    </div>
  );
}

// Keys as in other card programs: Space or Enter shows, then means the suggested grade, Good as a rule; 1 to 4 grade; Ctrl+Z takes
// back. A choice has its letter.
function useKeys(review: Review): void {
  const latest = useRef(review);
  latest.current = review;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { card, shown, show, rate, undo, attempt } = latest.current;
      const target = event.target instanceof Element ? event.target : undefined;
      if (target?.closest('input, textarea, select, [popover]')) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') undo();
      else if (event.ctrlKey || event.metaKey || event.altKey) return;
      else if (event.key === ' ' && !onOtherControl(target)) {
        if (shown) rate(suggested(attempt));
        else if (card?.parts || card?.choices) return;
        else show();
      } else if (shown && ['1', '2', '3', '4'].includes(event.key)) rate(Number(event.key) as Rating);
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
}

// Space on a link or on another button keeps its usual meaning.
function onOtherControl(target: Element | undefined): boolean {
  const control = target?.closest('a, button, summary');
  return control !== undefined && control !== null && !control.matches('.grade *, .reveal > .go');
}
