/** What is wrong with a request. */

export class ApiError extends Error {
  /**
   * @param {string} message  one sentence; "" if there is none
   * @param {number} status  of the server's answer; a page without a server uses the same numbers
   * @param {string | null} argument  the option that it is about
   */
  constructor(message, status, argument = null) {
    super(message);
    this.status = status;
    this.argument = argument;
  }
}
