//! `portcullis completions` and `portcullis man`: what is derived from the command line itself.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::output::{print, remark};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis completions bash > /etc/bash_completion.d/portcullis"
)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write those of all commands
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis man --dir /usr/local/share/man/man1")]
pub struct Man {
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Completions {
    /// Prints.
    pub fn run(self) -> anyhow::Result<Exit> {
        let mut text = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "portcullis",
            &mut text,
        );
        print(&String::from_utf8(text)?)?;
        Ok(Exit::Clean)
    }
}

impl Man {
    /// Prints or writes.
    pub fn run(self) -> anyhow::Result<Exit> {
        let command = Arguments::command();
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            print(&String::from_utf8(page)?)?;
            return Ok(Exit::Clean);
        };
        std::fs::create_dir_all(&dir)
            .and_then(|()| clap_mangen::generate_to(command, &dir))
            .with_context(|| format!("cannot write manual pages into {}", dir.display()))?;
        remark(&format!("The manual pages are in {}.", dir.display()));
        Ok(Exit::Clean)
    }
}
