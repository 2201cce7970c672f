/** What the lab said to a guess. Told to assistive technology when it changes. */
export function VerdictLine({ said }: { said: { right: boolean; text: string } | undefined }) {
  return (
    <p className={said ? (said.right ? 'said-right' : 'said-wrong') : 'said-none'} role="status">
      {said && (
        <>
          <b>{said.right ? 'Right.' : 'No.'}</b> {said.text}
        </>
      )}
    </p>
  );
}
