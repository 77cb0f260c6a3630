print('no packages')
