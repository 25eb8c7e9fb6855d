//! Signet: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    signet::cli::main()
}
