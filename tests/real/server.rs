//! A mail server under test: what the scenarios need of it, whichever it is.

use crate::postfix::Postfix;

/// A mail server with Sincerely beside it.
pub(crate) trait Server {
    /// Port 25 as the rest of the world sees it.
    fn outside_port(&self) -> u16;
    /// Port 587, for people's mail programs.
    fn submission_port(&self) -> u16;
    /// Submits as an application does by command.
    fn sendmail(&self, from: &str, to: &[&str], message: &[u8]);
    /// What an application hands over at port 25; the last reply.
    fn application(&self, from: &str, to: &[&str], message: &[u8]) -> String;
    /// What a customer's server hands over; the last reply.
    fn outside(&self, from: &str, to: &[&str], message: &[u8]) -> String;
    /// Whether so many messages are in the queue, all of them tried in vain.
    fn all_wait(&self, messages: usize) -> bool;
    /// Those to whom something in the queue must still go.
    fn recipients_that_wait(&self) -> Vec<String>;
    /// Tries again at once what waits.
    fn flush(&self);
    /// Waits until all mail is delivered.
    fn wait_for_empty_queue(&self);
}

impl Server for Postfix {
    fn outside_port(&self) -> u16 {
        self.ports.outside
    }

    fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    fn sendmail(&self, from: &str, to: &[&str], message: &[u8]) {
        self.sendmail(from, to, message);
    }

    fn application(&self, from: &str, to: &[&str], message: &[u8]) -> String {
        self.client_of_applications().send(from, to, message).unwrap()
    }

    fn outside(&self, from: &str, to: &[&str], message: &[u8]) -> String {
        self.outside(from, to, message)
    }

    fn all_wait(&self, messages: usize) -> bool {
        self.queue().len() == messages && self.deferred() == messages
    }

    fn recipients_that_wait(&self) -> Vec<String> {
        let queue = self.queue();
        let recipients = queue.iter().flat_map(|message| message["recipients"].as_array().unwrap().clone());
        recipients.map(|to| to["address"].as_str().unwrap().to_owned()).collect()
    }

    fn flush(&self) {
        self.flush();
    }

    fn wait_for_empty_queue(&self) {
        self.wait_for_empty_queue();
    }
}
