/** How far a long run is. */
export function Progress({ progress }: { progress: { text: string; done: number; total: number } | undefined }) {
  return (
    <p role="status" className="progress num">
      {progress && (
        <>
          <progress value={progress.done} max={Math.max(1, progress.total)} aria-hidden="true" /> {progress.text}
        </>
      )}
    </p>
  );
}
