// What the stories say about an answer of the generated client.

export function must<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

export function equal<T>(actual: T, expected: T): void {
  const [is, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== wanted) throw new Error(`${is} is not ${wanted}`);
}

export function refused(answer: { error?: { code: string }; response: Response }, status: number, code: string): void {
  equal([answer.response.status, answer.error?.code], [status, code]);
}
