import { createContext, useContext, useEffect, useMemo, useRef } from 'react';
import { giveCards } from '../../components/word-cards.ts';
import { type NamedWord, wordRuns } from '../../course/word-runs.ts';

/** The words of the glossary, for the texts of an island. */
export const Words = createContext<readonly NamedWord[]>([]);

/** A text whose words lead to their pages and have their cards, as in the lessons. */
export function WordText({ text }: { text: string }) {
  const words = useContext(Words);
  const runs = useMemo(() => wordRuns(text, words), [text, words]);
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (place.current && runs.length > 0) void giveCards(place.current);
  }, [runs]);
  // Cards are put beside their links by hand, so another text is another element.
  return (
    <span key={text} ref={place}>
      {runs.map((run) =>
        run.slug === undefined ? (
          run.text
        ) : (
          <a key={run.at} href={`/words/${run.slug}/`}>
            {run.text}
          </a>
        ),
      )}
    </span>
  );
}
