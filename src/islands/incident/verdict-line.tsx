/** What the lab said to a guess. Told to assistive technology when it changes. */
export function VerdictLine({ said }: { said: { right: boolean; text: string } | undefined }) {
  return (
    <p className={said ? (said.right ? 'said-right' : 'said-wrong') : 'said-none'} role="status">
      {said && <Said {...said} />}
    </p>
  );
}

/** What begins with its own yes gets no second one. */
function Said({ right, text }: { right: boolean; text: string }) {
  const [, yes, rest] = /^(Yes\.) (.*)$/s.exec(text) ?? [];
  return (
    <>
      <b>{yes ?? (right ? 'Right.' : 'No.')}</b> {rest ?? text}
    </>
  );
}
